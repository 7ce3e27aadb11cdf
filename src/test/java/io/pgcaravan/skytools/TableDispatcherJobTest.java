package io.pgcaravan.skytools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys of Skytools 2.1 and 3 and of londiste's handler become options of our steps. */
class TableDispatcherJobTest {

    @TempDir
    Path directory;

    private TableDispatcherJob job(String text) throws Exception {
        Path file = Files.writeString(directory.resolve("archive.ini"), text);
        return TableDispatcherJob.read(file, Map.of());
    }

    private static final String LEAST = """
            [table_dispatcher]
            src_db = dbname=a
            dst_db = dbname=b
            dest_table = public.orders
            """;

    @Test
    void the_least_is_an_append_into_the_table_itself() throws Exception {
        TableDispatcherJob job = job(LEAST + "queue_name = q\n");
        assertThat(job.partition()).isNull();
        assertThat(job.load()).containsExactly(Map.entry("rowMode", "append"));
        assertThat(job.consume())
                .containsOnly(
                        Map.entry("acceptUnknownStart", true),
                        Map.entry("connectionLifetime", 1_200_000L),
                        Map.entry("logBatches", true));
        assertThat(job.logging().size()).isEqualTo(10_485_760);
        assertThat(job.logging().count()).isEqualTo(3);
        assertThat(job.warnings()).isEmpty();
    }

    @Test
    void the_job_is_called_after_the_file_with_names_of_skytools_3_and_after_the_section_with_those_of_2()
            throws Exception {
        assertThat(job(LEAST + "queue_name = q\n").consumer()).isEqualTo("archive");
        assertThat(job(LEAST + "pgq_queue_name = q\n").consumer()).isEqualTo("table_dispatcher");
    }

    @Test
    void old_names_win() throws Exception {
        TableDispatcherJob job = job(LEAST + """
                queue_name = new
                pgq_queue_name = old
                consumer_name = new
                pgq_consumer_id = old
                part_column = new
                part_field = old
                """);
        assertThat(job.queue()).isEqualTo("old");
        assertThat(job.consumer()).isEqualTo("old");
        assertThat(job.partition()).containsEntry("partField", "old");
        assertThat(job.warnings()).hasSize(3).allSatisfy(warning -> assertThat(warning)
                .contains("= old is set too"));
    }

    @Test
    void every_key_reaches_its_step() throws Exception {
        TableDispatcherJob job = job(LEAST + """
                queue_name = q
                loop_delay = 0.5
                connection_lifetime = 60
                exception_sleep = 5
                pgq_lazy_fetch = 300
                pgq_batch_collect_events = 1000
                pgq_batch_collect_interval = 30 seconds
                pgq_keep_lag = 5 minutes
                encoding = LATIN1
                fields = a, b:c, day:made
                skip_fields = x
                event_types = I,U
                part_field = day
                part_mode = date_field
                part_method = hourly
                table_mode = part
                part_name = %%(parent)s_%%(year)s
                pre_part = select 1
                post_part = select 2
                part_func = public.make
                retention_period = 3 months
                ignore_old_events = 1
                ignore_truncate = yes
                row_mode = plain
                analyze = on
                """);
        assertThat(job.consume())
                .containsEntry("delay", 500L)
                .containsEntry("connectionLifetime", 60_000L)
                .containsEntry("exceptionSleep", 5_000L)
                .containsEntry("chunkEvents", 300L)
                .containsEntry("minCount", 1000L)
                .containsEntry("minInterval", "30 seconds")
                .containsEntry("minLag", "5 minutes")
                .containsEntry("encoding", "LATIN1");
        assertThat(job.decode())
                .containsEntry("fields", "a, b:c, day:made")
                .containsEntry("skipFields", "x")
                .containsEntry("eventTypes", "I,U,R");
        assertThat(job.partition())
                // the old tool's part_field is the producer's name
                .containsEntry("partField", "made")
                .containsEntry("partMode", "date_field")
                .containsEntry("period", "hour")
                .containsEntry("tableMode", "part")
                .containsEntry("partName", "%(parent)s_%(year)s")
                .containsEntry("prePart", "select 1")
                .containsEntry("postPart", "select 2")
                .containsEntry("partFunc", "public.make")
                .containsEntry("retentionPeriod", "3 months")
                .containsEntry("ignoreOldEvents", true);
        assertThat(job.load())
                .containsEntry("rowMode", "plain")
                .containsEntry("analyze", true)
                .containsEntry("onTruncate", "ignore");
        assertThat(job.warnings()).isEmpty();
    }

    @Test
    void unknown_keys_are_warned_of_with_the_nearest_that_is_known() throws Exception {
        assertThat(job(LEAST + "queue_name = q\nloop_dealy = 1\n").warnings())
                .containsExactly(
                        directory.resolve("archive.ini") + " line 6: unknown key loop_dealy; did you mean loop_delay?");
    }

    @Test
    void what_cannot_be_honoured_is_told() throws Exception {
        assertThat(job(LEAST + "queue_name = q\nload_mode = bulk\npgq_autocommit = 1\n")
                        .warnings())
                .satisfiesExactly(
                        first -> assertThat(first).contains("line 6: load_mode has no effect"),
                        second -> assertThat(second).contains("line 7: pgq_autocommit has no effect"));
        assertThatThrownBy(() -> job(LEAST + "queue_name = q\ntable_filter = a\nloop_delay = 0\n"))
                .hasMessageContainingAll("line 6: table_filter", "line 7: loop_delay = 0: must be more than 0");
    }
}
