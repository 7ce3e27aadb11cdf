package io.pgcaravan.ship.compare;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.ship.Shipping;
import io.pgcaravan.ship.compare.Comparison.Progress;
import io.pgcaravan.ship.compare.Comparison.Request;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.compare.DigestComparison.Answered;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Sha256;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What differs is shipped again and equal afterwards, and files between two hosts do only what they are for. */
class RepairTest {

    private static final String ODD = "create table t (a int, id text, v text, primary key (id, a))";
    private static final String ROWS = "insert into t select g %% 3, chr(64 + g %% 50) || e'\\t\\\\\\n\"'',ä' || g,"
            + " nullif('v' || g %% 9, 'v4') from generate_series(1, %d) g";

    @TempDir
    Path directory;

    private Shipping ship;
    private Path digest;
    private Path answer;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
        digest = directory.resolve("t.digest");
        answer = directory.resolve("t.answer");
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private static Request t() {
        return new Request(Shipping.table("t"), null, null);
    }

    private void oddTable(int rows) throws Exception {
        ship.table("t", ODD);
        execute(ship.source, String.format(ROWS, rows));
        ship.ship("t");
    }

    private void spoil() throws Exception {
        execute(
                ship.target,
                "delete from t where ctid in (select ctid from t order by id limit 5)",
                "update t set v = 'spoilt' where v = 'v7'",
                "update t set v = '' where v is null and a = 1",
                "insert into t select a, id || 'x', v from t where v = 'v5'");
    }

    private long repair() {
        try (Repair repair = Repair.of(ship.sourceConnect(), Shipping.table("t"))) {
            new Comparison(Progress.NONE)
                    .compare(ship.sourceConnect(), ship.targetConnect(), t(), Tracking.LEDGER, null, repair);
            return repair.commit();
        }
    }

    private long repairByAnswer() {
        try (Repair repair = Repair.of(ship.sourceConnect(), Shipping.table("t"))) {
            new DigestComparison(Progress.NONE).compareAnswer(ship.sourceConnect(), answer, Tracking.LEDGER, repair);
            return repair.commit();
        }
    }

    private void writeDigest() {
        new DigestComparison(Progress.NONE).writeDigest(ship.sourceConnect(), t(), ship.to, false, digest);
    }

    private Answered answer() {
        return new DigestComparison(Progress.NONE).answer(ship.targetConnect(), digest, answer, null);
    }

    @Test
    void what_differs_goes_with_the_next_set() throws Exception {
        oddTable(3000);
        spoil();
        long noted = repair();
        assertThat(noted).isPositive();
        // noted once is enough
        assertThat(repair()).isZero();
        Manifest set = ship.exportOne("t");
        assertThat(set.kind()).isEqualTo(SetKind.CHANGES);
        assertThat(set.file(SetPart.IDS).rows()).isEqualTo(noted);
        ship.importWell();
        ship.assertEqual("t");
        assertThat(repair()).isZero();
    }

    @Test
    void equal_keys_that_are_written_differently_are_put_right() throws Exception {
        ship.table("t", "create table t (id numeric primary key, v text)");
        execute(ship.source, "insert into t values (1.0, 'a'), (2, 'b')");
        ship.ship("t");
        execute(ship.target, "update t set id = 1.00 where id = 1");
        assertThat(repair()).isEqualTo(2);
        ship.ship("t");
    }

    @Test
    void keys_of_all_types_are_noted_as_they_are() throws Exception {
        String ddl = "create table t (a char(5), b bit(3), c varchar(4), d timestamptz, e bool, f inet, g code,"
                + " v text, primary key (a, b, c, d, e, f, g))";
        String code = "create domain code as varchar(3) not null";
        execute(ship.source, code);
        execute(ship.target, code);
        ship.table("t", ddl);
        execute(
                ship.source,
                "insert into t select 'k ' || g, (g % 8)::bit(3), 'x' || g, '2026-01-01'::timestamptz + g * interval '1 s',"
                        + " g % 2 = 0, '10.0.0.1'::inet + g, 'c' || g, 'v' from generate_series(1, 40) g");
        ship.ship("t");
        execute(
                ship.target,
                "delete from t where c = 'x7'",
                "update t set v = 'w' where c in ('x8', 'x40')",
                "insert into t select a, b, 'y', d, e, f, g, v from t where c = 'x11'");
        assertThat(repair()).isEqualTo(4);
        ship.ship("t");
    }

    @Test
    void a_key_of_nulls_is_never_noted() throws Exception {
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        execute(
                ship.target,
                "alter table t drop constraint t_pkey",
                "alter table t alter id drop not null",
                "insert into t values (null, 'n')");
        try (Repair repair = Repair.of(ship.sourceConnect(), Shipping.table("t"))) {
            Result result = new Comparison(Progress.NONE)
                    .compare(ship.sourceConnect(), ship.targetConnect(), t(), Tracking.LEDGER, null, repair);
            assertThat(result.extra()).isEqualTo(1);
            assertThat(repair.commit()).isZero();
            assertThat(repair.withoutKey()).isEqualTo(1);
        }
        assertThat(ship.export("t")).isEmpty();
    }

    @Test
    void what_was_given_up_is_not_noted() throws Exception {
        oddTable(100);
        spoil();
        try (Repair repair = Repair.of(ship.sourceConnect(), Shipping.table("t"))) {
            new Comparison(Progress.NONE)
                    .compare(ship.sourceConnect(), ship.targetConnect(), t(), Tracking.LEDGER, null, repair);
        }
        assertThat(ship.export("t")).isEmpty();
        execute(ship.source, "create table u (id int primary key)");
        assertThatThrownBy(() -> Repair.of(ship.sourceConnect(), Shipping.table("u")))
                .hasMessageContaining("caravan ddl exporter public u --apply");
    }

    // ---- by files

    @Test
    void hosts_that_do_not_see_each_other_compare_by_files() throws Exception {
        oddTable(3000);
        writeDigest();
        assertThat(answer().differing()).isZero();
        assertThat(answer).doesNotExist();
        spoil();
        // after the digest, and on its way: no business of the repair
        execute(ship.source, "update t set v = 'later' where v = 'v1'");
        assertThat(answer().differing()).isPositive();
        long direct = new Comparison(Progress.NONE)
                .compare(ship.sourceConnect(), ship.targetConnect(), t(), Tracking.LEDGER, null, difference -> {})
                .wrong();
        assertThat(repairByAnswer()).isEqualTo(direct);
        ship.ship("t");
        writeDigest();
        assertThat(answer().differing()).isZero();
    }

    @Test
    void an_answer_tells_what_the_target_had_when_it_was_written() throws Exception {
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t select g, 'a' from generate_series(1, 500) g");
        ship.ship("t");
        execute(ship.source, "update t set v = 'b' where id = 3");
        writeDigest();
        execute(ship.target, "update t set v = 'wrong' where id = 4");
        Answered answered = answer();
        assertThat(answered.differing()).isEqualTo(1);
        assertThat(answered.remarks().toString()).contains("set 1", "tells them apart");
        Result result = new DigestComparison(Progress.NONE)
                .compareAnswer(ship.sourceConnect(), answer, Tracking.LEDGER, difference -> {});
        assertThat(result.different()).isEqualTo(1);
        assertThat(result.onTheirWay()).isEqualTo(1);
    }

    @Test
    void a_damaged_file_is_refused() throws Exception {
        oddTable(300);
        spoil();
        writeDigest();
        answer();
        for (Path file : new Path[] {digest, answer}) {
            byte[] good = Files.readAllBytes(file);
            for (int at : new int[] {0, 10, good.length / 2, good.length - 80, good.length - 70, good.length - 2}) {
                byte[] bad = good.clone();
                bad[at] ^= 1;
                Files.write(file, bad);
                mustBeRefused(file, "one bit of byte " + at);
            }
            for (int length : new int[] {0, 1, 69, good.length / 2, good.length - 1}) {
                Files.write(file, java.util.Arrays.copyOf(good, length));
                mustBeRefused(file, length + " bytes");
            }
            Files.delete(file);
            Path real = directory.resolve("real");
            Files.write(real, good);
            Files.createSymbolicLink(file, real);
            mustBeRefused(file, "a link");
            Files.delete(file);
            Files.write(file, good);
        }
        assertThat(answer().differing()).isPositive();
        assertThat(repairByAnswer()).isPositive();
    }

    private void mustBeRefused(Path file, String how) {
        assertThatThrownBy(() -> {
                    if (file.equals(digest)) {
                        answer();
                    } else {
                        repairByAnswer();
                    }
                })
                .as(file + ", " + how)
                .isInstanceOf(ChangeSetException.class)
                .hasMessageContaining("is refused: it ");
    }

    /** Changes the text and seals it again, as somebody would who knows how. */
    private static void forge(Path file, UnaryOperator<String> change) throws Exception {
        String text = Files.readString(file);
        String body = change.apply(text.substring(0, text.lastIndexOf("end\t")));
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        Files.writeString(
                file, body + "end\t" + HexFormat.of().formatHex(Sha256.digest().digest(bytes)) + "\n");
    }

    @Test
    void a_forged_digest_learns_nothing() throws Exception {
        oddTable(300);
        execute(
                ship.target,
                "create table secret (a int, id text, v text, primary key (id, a))",
                "insert into secret values (1, 'x', 'y')");
        writeDigest();
        String honest = Files.readString(digest);
        record Forgery(String from, String to, String message) {}
        for (Forgery forgery : new Forgery[] {
            new Forgery("\"name\":\"t\"", "\"name\":\"secret\"", "was not told to accept table public.secret"),
            new Forgery("\"key\":[\"id\",\"a\"]", "\"key\":[\"v\",\"a\"]", "primary key"),
            new Forgery("\"columns\":[\"a\",", "\"columns\":[\"a\",\"a\",", "twice"),
            new Forgery("\"columns\":[\"a\",", "\"columns\":[\"a\",\"x\\\"); drop table t; --\",", "are missing"),
            new Forgery("\"ranges\":1,", "\"ranges\":1048576,", "ranges"),
            new Forgery("\"ranges\":1,", "\"ranges\":3,", "ranges"),
            new Forgery("\"shift\":10", "\"shift\":-1", "shift"),
            new Forgery("\"block\":\"a\"", "\"block\":\"v\"", "key"),
            new Forgery("\"host\":\"branch\"", "\"host\":\"elsewhere\"", "is for elsewhere/"),
            new Forgery("\"rows\":300", "\"rows\":301", "counts 301 rows"),
            new Forgery("\"format\":1", "\"format\":2", "format 2"),
            new Forgery("\"md5\":false", "\"md5\":false,\"more\":1", "more"),
            new Forgery("\"probe\":\"", "\"probe\":\"1", "--md5"),
            new Forgery("\n0\t", "\n7\t", "must be from 0 to 0"),
            new Forgery("\n0\t", "\nnix\t", "where a number must be"),
        }) {
            Files.writeString(digest, honest);
            forge(digest, text -> {
                assertThat(text).contains(forgery.from);
                return text.replace(forgery.from, forgery.to);
            });
            assertThatThrownBy(this::answer)
                    .as(forgery.toString())
                    .isInstanceOf(ChangeSetException.class)
                    .hasMessageContaining(forgery.message);
            assertThat(answer).doesNotExist();
        }
    }

    @Test
    void a_forged_answer_can_at_most_have_rows_shipped_again() throws Exception {
        oddTable(300);
        spoil();
        writeDigest();
        answer();
        String honest = Files.readString(answer);
        forge(answer, text -> text + "row\t-9223372036854775808\t1\tb\t1\n");
        mustBeRefused(answer, "an order that is none");
        Files.writeString(answer, honest);
        forge(answer, text -> text + "row\t9223372036854775807\t1\tb\n");
        mustBeRefused(answer, "half a key");
        Files.writeString(answer, honest);
        forge(answer, text -> text + "row\t9223372036854775807\t1\t'); drop table t; --\tnix\n");
        assertThatThrownBy(this::repairByAnswer).hasMessageContaining("nix").hasMessageContaining("nothing was noted");
        Files.writeString(answer, honest);
        forge(answer, text -> text.replaceFirst("\"system\":\"\\d", "\"system\":\"9"));
        assertThatThrownBy(this::repairByAnswer).hasMessageContaining("answers a digest of database");
        assertThat(ship.export("t")).isEmpty();
        Files.writeString(answer, honest);
        forge(answer, text -> text + "row\t9223372036854775807\t1\t'); drop table t; --\t1\n");
        assertThat(repairByAnswer()).isPositive();
        ship.ship("t");
        assertThat(query(ship.source, "select count(*) from t")).containsExactly("300");
    }
}
