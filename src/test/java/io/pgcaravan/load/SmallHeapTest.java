package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A million events in one batch, in a JVM with 64 MB of heap. */
class SmallHeapTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "APPEND 1000000 2000 inserts binary",
                "KEEP_LATEST 1000000 30 mixed text",
                "KEEP_LATEST 1000000 2000 mixed text",
                "PLAIN 1000000 2000 mixed text",
            })
    void a_million_events_fit(String load) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                ManyRows.class.getName(),
                PgServer.get().createDatabase("heap")));
        command.addAll(List.of(load.split(" ")));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        assertThat(output).contains("1000000 events");
    }
}
