package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.ship.Shipping;
import io.pgcaravan.sql.Query;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan compare} and {@code caravan repair}, as people call them. */
class CompareCommandTest {

    @TempDir
    Path directory;

    private Shipping ship;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
        ship.table("t", "create table t (id int primary key, v text)");
        Query.execute(ship.source, "insert into t select g, 'a' from generate_series(1, 100) g");
        ship.ship("t");
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private CommandRun both(String command, String... more) {
        String[] all = {command, "--source", ship.sourceUrl, "--target", ship.targetUrl, "--table", "public.t"};
        String[] args = java.util.Arrays.copyOf(all, all.length + more.length);
        System.arraycopy(more, 0, args, all.length, more.length);
        return CommandRun.of(args);
    }

    @Test
    void where_both_can_be_reached() throws Exception {
        CommandRun equal = both("compare");
        assertThat(equal.status()).as(equal.err()).isZero();
        assertThat(equal.out()).contains("100 rows at the source, 100 at the target", "public.t: equal");

        Query.execute(ship.target, "delete from t where id = 5", "update t set v = 'b' where id in (6, 7)");
        CommandRun differs = both("compare", "--limit", "2");
        assertThat(differs.status()).isEqualTo(1);
        assertThat(differs.out())
                .contains(
                        "... and 1 more",
                        "3 rows with id from 5 to 7",
                        "public.t: differs: 1 rows missing, 0 extra, 2 different")
                .contains("id = ");

        CommandRun repaired = both("repair", "--dir", directory.resolve("drop").toString());
        assertThat(repaired.status()).as(repaired.err()).isZero();
        assertThat(repaired.out()).contains("3 keys noted", "public.t.000000000002 is in ");
        CommandRun onTheWay = both("compare");
        assertThat(onTheWay.status()).isZero();
        assertThat(onTheWay.out())
                .contains("equal; 3 more are noted at the source and on their way; 1 sets not applied");
        ship.importWell();
        ship.assertEqual("t");
        assertThat(both("repair").out()).contains("nothing to repair");
    }

    @Test
    void where_none_can_be_reached_from_the_other() throws Exception {
        Query.execute(ship.target, "delete from t where id = 5", "insert into t values (200, 'x')");
        CommandRun written = CommandRun.of(
                "compare",
                "--db",
                ship.sourceUrl,
                "--table",
                "public.t",
                "--target",
                ship.to.toString(),
                "--dir",
                directory.toString());
        assertThat(written.status()).as(written.err()).isZero();
        assertThat(written.out()).contains("hashes of 100 rows for " + ship.to);
        Path digest;
        try (var files = java.nio.file.Files.list(directory)) {
            digest = files.filter(file -> file.toString().endsWith(".digest"))
                    .findFirst()
                    .orElseThrow();
        }
        CommandRun answered = CommandRun.of("compare", "--db", ship.targetUrl, "--digest", digest.toString());
        assertThat(answered.status()).as(answered.err()).isEqualTo(1);
        assertThat(answered.out()).contains("1 of its ranges differ", "100 rows that are here", ".answer");
        String answer = digest.toString().replace(".digest", ".answer");
        CommandRun compared = CommandRun.of("compare", "--db", ship.sourceUrl, "--answer", answer);
        assertThat(compared.status()).isEqualTo(1);
        assertThat(compared.out()).contains("missing   id = 5", "extra     id = 200");
        CommandRun repaired = CommandRun.of("repair", "--db", ship.sourceUrl, "--answer", answer);
        assertThat(repaired.out()).as(repaired.err()).contains("2 keys noted");
        ship.ship("t");
    }

    @Test
    void misuse_and_failure_are_told_apart() {
        assertThat(CommandRun.of("compare", "--source", ship.sourceUrl, "--target", ship.targetUrl)
                        .status())
                .isEqualTo(2);
        assertThat(CommandRun.of("compare", "--db", ship.sourceUrl, "--table", "public.t", "--digest", "x")
                        .err())
                .contains("--target HOST/DB is missing");
        CommandRun nowhere = CommandRun.of("compare", "--db", ship.targetUrl, "--digest", "/nowhere.digest");
        assertThat(nowhere.status()).isEqualTo(1);
        assertThat(nowhere.err()).contains("there is no file /nowhere.digest");
        assertThat(CommandRun.of("compare", "--source", "nix://", "--target", ship.targetUrl, "--table", "a.b")
                        .status())
                .isEqualTo(2);
    }
}
