package io.pgcaravan.cli;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import io.pgcaravan.app.Application;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan convert}: the same job as a route. */
class ConvertTest {

    private static final String JOB = """
            part_field = created_at
            part_method = monthly
            fields = id, note:remark, created_at
            part_template =
                create table _DEST_TABLE (like orders);
                comment on table _DEST_TABLE is '100%% "x" \\ #';
                alter table only _DEST_TABLE add constraint _DEST_TABLE_pkey primary key (_PKEY)
            """;

    @TempDir
    Path directory;

    @Test
    void the_ini_and_the_converted_job_make_the_same_tables() throws Exception {
        try (IniJob job = new IniJob(directory)) {
            execute(job.target, "alter table orders rename note to remark");
            execute(job.source, "select pgq.register_consumer('orders', 'archive')");
            job.insert(1, 60);
            Process process = job.start(job.ini("archive", JOB));
            job.awaitTarget("select count(*) from orders_2026_11", "29");
            process.destroy();
            job.ended(process);
            List<String> tables = job.content();
            assertThat(tables).hasSize(3);
            assertThat(PgServer.value(job.target, "select obj_description('orders_2026_10'::regclass)"))
                    .isEqualTo("100% \"x\" \\ #");

            execute(job.target, "drop table orders_2026_10, orders_2026_11");
            execute(job.source, "select pgq.register_consumer_at('orders', 'again', 1)");
            Path ini = job.ini("again", JOB);
            CommandRun run = CommandRun.of("convert", ini.toString(), "--to", directory.toString());
            assertThat(run.status()).as(run.err()).isZero();
            Path config = directory.resolve("config");
            Path properties = config.resolve("application.properties");
            assertThat(Files.readString(directory.resolve("routes").resolve("again.camel.yaml"))
                            .lines()
                            .map(String::strip))
                    .containsSequence("partTemplate: |-", "create table _DEST_TABLE (like orders);");
            Files.writeString(
                    properties,
                    Files.readString(properties).replace("management.enabled = true", "management.enabled = false"));
            try (Application application = Application.configured(config, directory.resolve("routes"))) {
                application.start();
                job.awaitTarget("select count(*) from orders_2026_11", "29");
            }
            assertThat(job.content()).isEqualTo(tables);
            assertThat(PgServer.value(job.target, "select obj_description('orders_2026_10'::regclass)"))
                    .isEqualTo("100% \"x\" \\ #");

            CommandRun second = CommandRun.of("convert", ini.toString(), "--to", directory.toString());
            assertThat(second.status()).isEqualTo(1);
            assertThat(second.err()).contains("exists already, and nothing is overwritten");
        }
    }

    @Test
    void what_is_printed_shows_the_databases_and_no_password() throws Exception {
        Path ini = Files.writeString(directory.resolve("x.ini"), """
                [table_dispatcher]
                src_db = dbname=a password='s e c' user=me
                dst_db = postgresql://me:sec@host/b
                queue_name = orders
                dest_table = public.Odd Log
                """);
        CommandRun run = CommandRun.of("convert", ini.toString());
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out())
                .contains("#   database.sourceDb.url = dbname=a password=... user=me\n")
                .contains("#   database.targetDb.url = postgresql://me:...@host/b\n")
                .contains("uri: pgq-copy:public.Odd Log\n")
                .doesNotContain("uri: pgq-partition:");
    }
}
