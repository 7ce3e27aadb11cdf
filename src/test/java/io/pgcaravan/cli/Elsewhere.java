package io.pgcaravan.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Commands of the pages that a {@link Walk} does not type, and why.
 *
 * @param page which shows them
 * @param command as it stands there, or its beginning
 * @param why it is not typed here
 * @param proof what runs it; null where nothing of this project could
 * @param says what the proof has in it
 */
record Elsewhere(String page, String command, String why, Path proof, String says) {

    private static final Path TESTS = Path.of("src/test/java/io/pgcaravan");

    static final List<Elsewhere> ALL = List.of(
            new Elsewhere(
                    "README.md",
                    "./caravan demo",
                    "with fewer rows, as it takes a minute",
                    TESTS.resolve("cli/DemoTest.java"),
                    "caravan(\"demo\""),
            new Elsewhere(
                    "README.md", "./caravan test", "it is what runs this test", Path.of(".ci/run"), "./caravan test"),
            new Elsewhere(
                    "CONTRIBUTING.md",
                    "./caravan test",
                    "it is what runs this test",
                    Path.of(".ci/run"),
                    "./caravan test"),
            new Elsewhere(
                    "README.md",
                    "./caravan bench dispatch --quick",
                    "it has a test of its own",
                    TESTS.resolve("cli/BenchDispatchTest.java"),
                    "\"bench\", \"dispatch\", \"--quick\""),
            new Elsewhere(
                    "install.md",
                    "./mvnw -Prelease package",
                    "it builds an archive",
                    Path.of(".ci/release"),
                    "-Prelease"),
            new Elsewhere(
                    "install.md",
                    "tar -xzf",
                    "it installs for everybody",
                    Path.of(".ci/service"),
                    "## From the release archive"),
            new Elsewhere("install.md", "ln -s", "as above", Path.of(".ci/service"), "## From the release archive"),
            new Elsewhere(
                    "install.md", "/opt/pgcaravan", "as above", Path.of(".ci/service"), "## From the release archive"),
            new Elsewhere(
                    "install.md",
                    "sudo caravan install-service",
                    "needs systemd",
                    Path.of(".ci/service"),
                    "## From the release archive"),
            new Elsewhere(
                    "install.md",
                    "docker compose",
                    "needs a Docker engine",
                    Path.of(".ci/containers"),
                    "mapfile -t commands"),
            new Elsewhere("security.md", "mvn org.owasp:", "asks a feed of vulnerabilities, by network", null, null),
            new Elsewhere("security.md", "osv-scanner", "asks a feed of vulnerabilities, by network", null, null),
            new Elsewhere(
                    "from-skytools.md",
                    "table_dispatcher.py",
                    "the other program: a stand-in takes turns with ours",
                    TESTS.resolve("camel/HandOverTest.java"),
                    "OldDispatcher"));

    static Elsewhere of(Page page, Page.Shown shown) {
        return ALL.stream()
                .filter(one -> page.name().endsWith(one.page) && shown.command().startsWith(one.command))
                .findFirst()
                .orElse(null);
    }

    /** Whether what runs it is there, and runs it. */
    boolean isProven() {
        if (proof == null) {
            return true;
        }
        try {
            return Files.readString(proof).contains(says);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
