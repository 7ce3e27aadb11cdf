package io.pgcaravan.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.cli.DemoTest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** {@code caravan bench ship --quick}, as a process of its own. */
class BenchShipTest {

    @Test
    void every_line_is_measured() throws Exception {
        Process bench = DemoTest.caravan("bench", "ship", "--quick");
        String printed = new String(bench.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bench.waitFor()).as(printed).isZero();
        assertThat(printed)
                .contains("20,000 rows", "5,000 updates, 500 deletes")
                .contains("UPDATE, tracked", "export, hashes included", "import, hashes checked");
    }
}
