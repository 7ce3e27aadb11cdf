package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan table-dispatcher}, started and stopped as the classic tool was. */
class TableDispatcherTest {

    @TempDir
    Path directory;

    private IniJob job;

    @BeforeEach
    void databases() throws Exception {
        job = new IniJob(directory);
    }

    @AfterEach
    void disconnect() throws Exception {
        job.close();
    }

    @Test
    void an_ini_file_is_enough_to_dispatch_a_queue() throws Exception {
        job.register("archive");
        job.insert(1, 3);
        Path ini = job.ini("archive", "part_field = created_at\n" + IniJob.TEMPLATE);
        job.start(ini);
        job.awaitTarget("select count(*) from orders_2026_10_03", "1");
        assertThat(job.content())
                .containsExactly(
                        "orders: null",
                        "orders_2026_10_01: (1,\"order 1\",\"2026-10-01 12:00:00\")",
                        "orders_2026_10_02: (2,\"order 2\",\"2026-10-02 12:00:00\")",
                        "orders_2026_10_03: (3,\"order 3\",\"2026-10-03 12:00:00\")");
    }
}
