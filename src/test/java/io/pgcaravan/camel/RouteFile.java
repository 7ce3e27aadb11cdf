package io.pgcaravan.camel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A copy of a shipped route file, edited as a user would edit it. */
final class RouteFile {

    private String text;

    private RouteFile(String text) {
        this.text = text;
    }

    /** A file of routes/. */
    static RouteFile shipped(String name) throws IOException {
        return new RouteFile(Files.readString(Path.of("routes", name)));
    }

    static RouteFile dispatch() throws IOException {
        return new RouteFile(Files.readString(Path.of("routes/dispatch.camel.yaml")));
    }

    static RouteFile rows() throws IOException {
        return new RouteFile(Files.readString(Path.of("routes/dispatch-rows.camel.yaml")));
    }

    /** Replaces text that must be there. */
    RouteFile edit(String old, String changed) {
        if (!text.contains(old)) {
            throw new IllegalArgumentException("the route has no \"" + old + "\":\n" + text);
        }
        text = text.replace(old, changed);
        return this;
    }

    /** One more parameter of {@code pgq:}. */
    RouteFile consuming(String parameter, Object value) {
        return edit(
                "        target: \"#targetDb\"\n",
                "        target: \"#targetDb\"\n        " + parameter + ": " + value + "\n");
    }

    /** Steps (YAML without indentation) before the one that starts so. */
    RouteFile before(String step, String steps) {
        int at = text.indexOf(step);
        if (at < 0) {
            throw new IllegalArgumentException("the route has no \"" + step + "\":\n" + text);
        }
        int line = text.lastIndexOf('\n', at) + 1;
        text = text.substring(0, line) + steps.stripTrailing().indent(indentation(line)) + text.substring(line);
        return this;
    }

    private int indentation(int line) {
        int end = line;
        while (text.charAt(end) == ' ') {
            end++;
        }
        return end - line;
    }

    Path in(Path directory) throws IOException {
        Path file = Files.createTempFile(directory, "route-", ".camel.yaml");
        return Files.writeString(file, text);
    }
}
