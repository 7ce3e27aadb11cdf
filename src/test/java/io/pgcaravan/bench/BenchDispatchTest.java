package io.pgcaravan.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.cli.DemoTest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** {@code caravan bench dispatch --quick}, as a process of its own. */
class BenchDispatchTest {

    @Test
    void every_line_is_measured() throws Exception {
        Process bench = DemoTest.caravan("bench", "dispatch", "--quick");
        String printed = new String(bench.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bench.waitFor()).as(printed).isZero();
        assertThat(printed)
                .contains("psql: the ready rows into the partitions", "dispatch, append", "dispatch-rows")
                .contains("round trips a batch: source", "events in one batch");
    }
}
