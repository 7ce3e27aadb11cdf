package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** {@code caravan demo}, as a process of its own. */
public class DemoTest {

    @Test
    void the_target_equals_the_source() throws Exception {
        Process demo = caravan("demo", "--rows", "5000");
        String printed = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(demo.waitFor()).as(printed).isZero();
        assertThat(printed)
                .contains("60 partitions in the target", "all equal", "5,000 orders")
                .doesNotContain("WARN", "ERROR", "Exception");
    }

    @Test
    void what_was_shipped_equals_the_source() throws Exception {
        Process demo = caravan("demo", "ship", "--rows", "5000");
        String printed = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(demo.waitFor()).as(printed).isZero();
        assertThat(printed)
                .contains("all equal", "5,000 orders")
                .containsPattern("1 +full ")
                .containsPattern("2 +changes ")
                .containsPattern("public\\.orders\\.\\d{12}\\.columns")
                .containsPattern("public\\.orders\\.\\d{12}\\.ids")
                .containsPattern("public\\.orders\\.\\d{12}\\.records")
                .containsPattern("public\\.orders\\.\\d{12}\\.done")
                .contains("\"previousSetId\"")
                .doesNotContain("WARN", "ERROR", "Exception");
        assertThat(dropDirectory(printed)).doesNotExist();
    }

    private static Path dropDirectory(String printed) {
        return printed.lines()
                .filter(line -> line.startsWith("between  the drop directory "))
                .map(line -> Path.of(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void an_unknown_feature_is_bad_usage() throws Exception {
        Process demo = caravan("demo", "dispatsch");
        String printed = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(demo.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(demo.exitValue()).as(printed).isEqualTo(2);
        assertThat(printed).contains("expected one of [dispatch, ship] (case-insensitive) but was 'dispatsch'");
    }

    public static Process caravan(String... arguments) throws IOException {
        List<String> command = new java.util.ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                "config:" + System.getProperty("java.class.path"),
                "io.pgcaravan.cli.Caravan"));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }
}
