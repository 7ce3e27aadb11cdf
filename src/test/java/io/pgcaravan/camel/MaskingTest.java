package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.load.DeadLetters;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.camel.util.URISupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clear values of masked columns reach neither the table nor the dead letters nor the log. */
class MaskingTest {

    @TempDir
    Path directory;

    private Job job(Orders orders, String format, boolean startup) throws Exception {
        Path file = Files.createTempFile(directory, "job", ".camel.yaml");
        Files.writeString(file, """
                - route:
                    id: job
                    autoStartup: %s
                    from:
                      uri: pgq:orders
                      parameters: {consumer: job, source: "#sourceDb", target: "#targetDb", onError: dead-letter}
                      steps:
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - to:
                                  uri: pgq-decode:%s
                                  parameters:
                                    mask: "email:hash, name:first1, phone:null, born:=1900-01-01"
                                    maskSecret: "pepper"
                              - to: {uri: "pgq-partition:people", parameters: {partField: at, period: month}}
                              - to: {uri: "pgq-copy:people", parameters: {rowMode: plain}}
                """.formatted(startup, format));
        return new Job(orders, Map.of(), file);
    }

    private static Orders people(String trigger) throws Exception {
        Orders orders = new Orders();
        orders.source(
                "create table people (email text primary key, name text, phone text, born date, at timestamp)",
                "create trigger q after insert or update or delete on people for each row execute function pgq."
                        + trigger + "('orders', 'backup')");
        orders.target(
                "create table people (email text, name text constraint no_b check (name not like 'B%'), phone text,"
                        + " born date, at timestamp, primary key (email, at)) partition by range (at)",
                "create extension pgcrypto");
        return orders;
    }

    @ParameterizedTest
    @ValueSource(strings = {"logutriga", "jsontriga"})
    void rows_are_masked_found_by_their_hashed_keys_and_buried_masked(String format) throws Exception {
        try (Orders orders = people(format);
                LogLines log = LogLines.of(PgqConsumer.class)) {
            assumeTrue(
                    format.equals("logutriga")
                            || orders.count(
                                            orders.source,
                                            "select count(*) where string_to_array(pgq.version(), '.')::int[] >= array[3, 5]")
                                    == 1,
                    "before PgQ 3.5 the backup of jsontriga is not JSON");
            try (Job job = job(orders, format, true)) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.source(
                        "insert into people values ('ann@secret.org', 'Ann Secret', '030-5551235', '2001-02-03', '2026-10-01'),"
                                + " ('carl@secret.org', 'Carl Secret', null, null, '2026-10-02'),"
                                + " ('dora@secret.org', 'Dora Secret', '030-5551237', '2001-02-05', '2026-10-03'),"
                                + " ('bob@secret.org', 'Bob Secret', '030-5551236', '2001-02-04', '2026-10-01')");
                orders.tick();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> orders.count(
                                        orders.source,
                                        "select count(*) from pgq.subscription s join pgq.tick t"
                                                + " on t.tick_queue = s.sub_queue and t.tick_id = s.sub_last_tick"
                                                + " where t.tick_id = (select max(tick_id) from pgq.tick)")
                                == 1);
                orders.source(
                        "update people set at = '2026-11-01', name = 'Annie Secret' where email = 'ann@secret.org'",
                        "delete from people where email = 'carl@secret.org'",
                        "select pgq.insert_event('orders', 'I:email', 'eve@secret.org', 'public.people', null,"
                                + " 'eve@secret.org', 'eve@secret.org')",
                        "select pgq.insert_event('orders', 'I:email', '{\"email\": eve@secret.org}')");
                orders.tick();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> orders.count(orders.target, "select count(*) from caravan.dead_letter") == 3);
            }
            assertThat(
                            orders.column(
                                    orders.target,
                                    "select tableoid::regclass || ' ' || name || ' ' || coalesce(phone, '-') || ' ' || born || ' '"
                                            + " || (email = encode(substr(hmac(case name when 'A***' then 'ann' else 'dora' end"
                                            + " || '@secret.org', 'pepper', 'sha256'), 1, 16), 'hex')) from people order by name"))
                    .containsExactly("people_2026_11 A*** - 1900-01-01 true", "people_2026_10 D*** - 1900-01-01 true");
            List<String> kept = orders.column(orders.target, "select d::text from caravan.dead_letter d");
            assertThat(kept)
                    .allSatisfy(letter -> assertThat(letter).doesNotContainIgnoringCase("secret", "bob", "5551236"));
            assertThat(orders.column(orders.target, "select distinct masked::text from caravan.dead_letter"))
                    .containsExactly("true");
            assertThat(log.text()).contains("went to caravan.dead_letter").doesNotContainIgnoringCase("secret");
            orders.target("alter table people drop constraint no_b");
            retryAll(orders, format);
        }
    }

    private void retryAll(Orders orders, String format) throws Exception {
        List<DeadLetter> letters = DeadLetters.list(orders.target, "job");
        try (Job job = job(orders, format, false)) {
            DeadLetterRetry retry = new DeadLetterRetry(job.context());
            retry.apply(letters.get(0), false);
            assertThatThrownBy(() -> retry.apply(letters.get(1), false))
                    .hasMessageContaining("they could not be masked");
        }
        assertThat(orders.column(
                        orders.target,
                        "select name from people where email = encode(substr(hmac('bob@secret.org', 'pepper', 'sha256'),"
                                + " 1, 16), 'hex')"))
                .as("masked once, not twice")
                .containsExactly("B***");
    }

    @Test
    void the_secret_is_not_shown_where_endpoints_are_logged() {
        assertThat(URISupport.sanitizeUri("pgq-decode:logutriga?mask=a:hash&maskSecret=pepper"))
                .doesNotContain("pepper");
    }

    @Test
    void a_mask_that_makes_no_sense_stops_the_start() throws Exception {
        try (Orders orders = new Orders()) {
            Path file = directory.resolve("wrong.camel.yaml");
            Files.writeString(file, """
                    - route:
                        id: job
                        from:
                          uri: direct:x
                          steps:
                            - to: {uri: "pgq-decode:logutriga", parameters: {mask: "email:hash"}}
                    """);
            assertThatThrownBy(() -> new Job(orders, Map.of(), file).close())
                    .rootCause()
                    .hasMessageContaining("maskSecret is missing");
        }
    }
}
