package io.pgcaravan.ship;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.Zstd;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Sha256;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever lies in a drop directory, the target changes only by sets that are what they say. */
class HostileDropTest {

    @TempDir
    Path directory;

    private Shipping ship;
    private Path drop;
    private Path done;
    private String honest;

    @BeforeEach
    void setUp() throws Exception {
        drop = directory.resolve("drop");
        ship = new Shipping(drop);
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t values (1, 'a')");
        ship.export("t");
        done = drop.resolve("public.t.000000000001.done");
        honest = Files.readString(done);
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private void mustBeRefused(String name, String json) throws Exception {
        // whoever lies also gets the sum right
        Files.writeString(done, Manifest.sealed(json));
        List<Outcome> outcomes = ship.importAll();
        assertThat(outcomes).as(name).hasSize(1);
        assertThat(outcomes.get(0).result()).as(name + ": " + outcomes).isEqualTo(Result.DAMAGED);
        assertThat(outcomes.get(0).message()).as(name).doesNotContain("was changed on its way");
        assertThat(Shipping.rows(ship.target, "t")).as(name).isEmpty();
        assertThat(ship.files("failed")).as(name).contains("public.t.000000000001.error");
        for (String file : ship.files("failed")) {
            if (!file.endsWith(".error")) {
                Files.move(drop.resolve("failed").resolve(file), drop.resolve(file));
            }
        }
    }

    @Test
    void markers_that_lie_are_refused() throws Exception {
        mustBeRefused("path", honest.replace("\"public.t.000000000001.records\"", "\"../../etc/passwd\""));
        mustBeRefused(
                "other table's file",
                honest.replace("\"public.t.000000000001.records\"", "\"public.u.000000000001.records\""));
        mustBeRefused("other table", honest.replace("\"name\" : \"t\"", "\"name\" : \"u\""));
        mustBeRefused("other number", honest.replace("\"set\" : 1", "\"set\" : 2"));
        mustBeRefused("traversal as a table", honest.replace("\"name\" : \"t\"", "\"name\" : \"../t\""));
        mustBeRefused("gigantic", honest.replaceFirst("\"rows\" : 1", "\"rows\" : 99999999999999999999999"));
        mustBeRefused("more rows than bytes", honest.replaceAll("\"rows\" : 1,", "\"rows\" : 9223372036854775807,"));
        mustBeRefused("negative", honest.replaceFirst("\"bytes\" : ", "\"bytes\" : -"));
        mustBeRefused("not whole", honest.replaceFirst("\"bytes\" : \\d+", "\"bytes\" : 1e3"));
        mustBeRefused("another format", honest.replace("\"format\" : 1", "\"format\" : 2"));
        mustBeRefused("unknown field", honest.replaceFirst("\\{", "{ \"run\" : \"rm -rf /\","));
        mustBeRefused("field twice", honest.replaceFirst("\\{", "{ \"set\" : 1,"));
        mustBeRefused("field missing", honest.replaceFirst("\"kind\" : \"full\",", ""));
        mustBeRefused("null key", honest.replace("[ \"id\" ]", "[ null ]"));
        mustBeRefused("no key", honest.replace("[ \"id\" ]", "[ ]"));
        mustBeRefused("other text", "no JSON at all");
        mustBeRefused("something after it", honest + "{}");
        mustBeRefused("deep", "{\"format\":" + "[".repeat(100_000));
        mustBeRefused("long", honest.replaceFirst("\\{", "{" + " ".repeat(2 << 20)));
        mustBeRefused(
                "snapshot",
                honest.replaceFirst("\"snapshot\" : \"[^\"]*\"", "\"snapshot\" : \"1:2:'; drop table t; --\""));
        Files.writeString(
                done, honest.replaceFirst("\"setId\" : \"[^\"]*", "\"setId\" : \"" + java.util.UUID.randomUUID()));
        assertThat(ship.importAll().get(0).message()).contains("was changed on its way");
        Files.writeString(done, honest);
        ship.importWell();
        ship.assertEqual("t");
    }

    @Test
    void groups_that_lie_take_nobody_along() throws Exception {
        String id = java.util.UUID.randomUUID().toString();
        String self = honest.replaceFirst("(?s).*\"setId\" : \"([^\"]*)\".*", "$1");
        String member = "{ \"schema\" : \"public\", \"name\" : \"NAME\", \"set\" : NUMBER, \"setId\" : \"ID\" }";
        String me = member.replace("NAME", "t").replace("NUMBER", "1").replace("ID", self);
        String group = "\"group\" : { \"id\" : \"" + id + "\", \"tables\" : [ MEMBERS ] }";
        String json = honest.replace("\"group\" : null", group);
        mustBeRefused("itself twice", json.replace("MEMBERS", me + ", " + me));
        mustBeRefused("without itself", json.replace("MEMBERS", me.replace(self, id)));
        mustBeRefused("nobody", json.replace("MEMBERS", ""));
        mustBeRefused("a crowd", json.replace("MEMBERS", me + (", " + me).repeat(20_000)));
        mustBeRefused("number zero", json.replace("MEMBERS", me.replace("\"set\" : 1", "\"set\" : 0")));
        // another set that is here, and does not know of the group; one that is of a table that nobody permitted
        execute(ship.source, "create table u (id int primary key)", "insert into u values (1)");
        execute(ship.target, "create table u (id int primary key)");
        ship.track("u");
        ship.export("u");
        String other = member.replace("NAME", "u").replace("NUMBER", "1").replace("ID", id);
        Files.writeString(done, Manifest.sealed(json.replace("MEMBERS", other + ", " + me)));
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.DIVERGED, Result.REFUSED);
        assertThat(Shipping.rows(ship.target, "t")).isEmpty();
        assertThat(Shipping.rows(ship.target, "u")).isEmpty();
    }

    @Test
    void columns_are_names_and_nothing_else() throws Exception {
        Path columns = drop.resolve("public.t.000000000001.columns");
        for (String line : List.of(
                "id, v) from program 'touch /tmp/x' --\n",
                "id, v\nid\n",
                "id, id\n",
                "id,\n",
                "\"id, v\n",
                "id v\n",
                "\n")) {
            String sum = HexFormat.of().formatHex(Sha256.digest().digest(line.getBytes(StandardCharsets.UTF_8)));
            String json = honest.replaceFirst(
                    "(\"columns\" : \\{[^}]*)\"bytes\" : \\d+,\\s*\"plainBytes\" : \\d+,\\s*\"sha256\" : \"[^\"]*\"",
                    "$1\"bytes\" : " + line.length() + ", \"plainBytes\" : " + line.length() + ", \"sha256\" : \"" + sum
                            + "\"");
            Files.writeString(columns, line);
            mustBeRefused(line, json);
        }
    }

    @Test
    void links_are_not_followed() throws Exception {
        Path secret = Files.writeString(directory.resolve("secret"), "1\ta\n");
        Path records = drop.resolve("public.t.000000000001.records");
        byte[] bytes = Files.readAllBytes(records);
        Files.write(secret, bytes);
        Files.delete(records);
        Files.createSymbolicLink(records, secret);
        mustBeRefused("a link to the very bytes", honest);
        Files.delete(records);
        Files.write(records, bytes);
        Files.delete(done);
        Path elsewhere = Files.writeString(directory.resolve("elsewhere.done"), honest);
        Files.createSymbolicLink(done, elsewhere);
        assertThat(ship.importAll().get(0).result()).isEqualTo(Result.DAMAGED);
        assertThat(elsewhere).hasContent(honest);
        assertThat(Shipping.rows(ship.target, "t")).isEmpty();
    }

    @Test
    void a_place_for_done_files_that_leads_elsewhere_is_not_used() throws Exception {
        Path trap = Files.createDirectory(directory.resolve("trap"));
        Files.createSymbolicLink(drop.resolve("done"), trap);
        assertThat(ship.importAll().get(0).result()).isEqualTo(Result.FAILED);
        assertThat(trap).isEmptyDirectory();
        Files.delete(drop.resolve("done"));
        assertThat(ship.importAll().get(0).result()).isEqualTo(Result.ALREADY_APPLIED);
        ship.assertEqual("t");
    }

    @Test
    void a_file_that_is_none_does_not_make_the_import_wait() throws Exception {
        Path ids = drop.resolve("public.t.000000000001.ids");
        Files.delete(ids);
        assertThat(new ProcessBuilder("mkfifo", ids.toString()).start().waitFor())
                .isZero();
        assertThat(ship.importAll().get(0).result()).isEqualTo(Result.DAMAGED);
        Files.createDirectory(drop.resolve("public.x.000000000001.done"));
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.INCOMPLETE, Result.DAMAGED);
    }

    @Test
    void bombs_do_not_go_off() throws Exception {
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bomb)) {
            byte[] row = "1\ta\n".repeat(1 << 16).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 200; i++) {
                gzip.write(row);
            }
        }
        byte[] empty = gzip(new byte[0]);
        Files.write(drop.resolve("public.t.000000000001.ids.gz"), empty);
        Files.write(drop.resolve("public.t.000000000001.records.gz"), bomb.toByteArray());
        String json = honest.replace("\"compression\" : \"none\"", "\"compression\" : \"gzip\"")
                .replace(".ids\"", ".ids.gz\"")
                .replace(".records\"", ".records.gz\"");
        json = sized(json, "ids", empty, 0);
        // says 4 bytes, and holds 50 million
        mustBeRefused("bomb", sized(json, "records", bomb.toByteArray(), 4));
        mustBeRefused("honest bomb", sized(json, "records", bomb.toByteArray(), Long.MAX_VALUE));
        mustBeRefused("no gzip at all", sized(json, "records", "plain".getBytes(StandardCharsets.UTF_8), 4));

        suffix = ".zst";
        json = honest.replace("\"compression\" : \"none\"", "\"compression\" : \"zstd\"")
                .replace(".ids\"", ".ids.zst\"")
                .replace(".records\"", ".records.zst\"");
        json = sized(json, "ids", Zstd.compress(new byte[0]), 0);
        byte[] zeros = new byte[100_000_000];
        java.util.Arrays.fill(zeros, (byte) '1');
        byte[] zstd = Zstd.compress(zeros);
        assertThat(zstd).hasSizeLessThan(20_000);
        mustBeRefused("zstd bomb", sized(json, "records", zstd, 4));
        mustBeRefused("honest zstd bomb", sized(json, "records", zstd, Long.MAX_VALUE));
        mustBeRefused("no zstd at all", sized(json, "records", "plain".getBytes(StandardCharsets.UTF_8), 4));
    }

    private String suffix = ".gz";

    private String sized(String json, String part, byte[] bytes, long plain) throws Exception {
        Files.write(drop.resolve("public.t.000000000001." + part + suffix), bytes);
        return json.replaceFirst(
                "(\"" + part + "\" : \\{[^}]*)\"bytes\" : \\d+,\\s*\"plainBytes\" : \\d+,\\s*\"sha256\" : \"[^\"]*\"",
                "$1\"bytes\" : " + bytes.length + ", \"plainBytes\" : " + plain + ", \"sha256\" : \""
                        + HexFormat.of().formatHex(Sha256.digest().digest(bytes)) + "\"");
    }

    private static byte[] gzip(byte[] plain) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(plain);
        }
        return out.toByteArray();
    }

    @Test
    void rows_behind_an_end_of_data_mark_are_missed_by_nobody() throws Exception {
        byte[] bytes = "1\ta\n\\.\n2\tb\n".getBytes(StandardCharsets.UTF_8);
        Files.write(drop.resolve("public.t.000000000001.records"), bytes);
        mustBeRefused(
                "end of data",
                honest.replaceFirst(
                        "(\"records\" : \\{[^}]*)\"rows\" : 1,\\s*\"bytes\" : \\d+,\\s*\"plainBytes\" : \\d+,\\s*\"sha256\" : \"[^\"]*\"",
                        "$1\"rows\" : 2, \"bytes\" : " + bytes.length + ", \"plainBytes\" : " + bytes.length
                                + ", \"sha256\" : \""
                                + HexFormat.of().formatHex(Sha256.digest().digest(bytes)) + "\""));
    }

    @Test
    void odd_names_in_the_directory_are_passed_over() throws Exception {
        for (String name : List.of(
                "x.done",
                ".done",
                "public.t.1.done",
                "public.t.000000000000.done",
                "a b.c.000000000001.done",
                "public.t.000000000001.DONE",
                "%2e%2e.t.000000000009.done.done",
                "public.t.0000000000000000000000001.done")) {
            Files.writeString(drop.resolve(name), "{}");
        }
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.APPLIED);
        assertThat(SetName.parse("public.t.000000000001.done", SetPart.DONE)).isEqualTo(new SetName("public.t", 1));
    }
}
