package io.pgcaravan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A page of the documentation, with what it shows between fences.
 *
 * @param name its path from the top of the sources
 */
record Page(String name, String text, List<Block> blocks) {

    private static final Pattern FENCE = Pattern.compile("(?ms)^( *)```([^\n]*)\n(.*?)^ *```");
    private static final Pattern PROMPT = Pattern.compile("(?:near|far)?[$] +(.*)");
    private static final Pattern LOOP = Pattern.compile("(?:for|while|if) .*");
    private static final Path REFERENCE = Path.of("docs/reference");

    /** How a line begins that somebody would type: a prompt, or a program and not a sentence about it. */
    private static final Pattern TYPED = Pattern.compile(
            "(?:(?:near|far)?[$] |sudo |(?:\\./)?(?:caravan|mvnw?) [a-z:.-]|(?:psql|docker|gpg|curl) ).*");

    /** Pages with commands that a {@link Walk} does not type: they have tests of their own, or need a network or systemd. */
    private static final Map<String, List<String>> ELSEWHERE = Map.of(
            "README.md", List.of("./caravan demo", "./caravan test", "./caravan bench dispatch --quick"),
            "CONTRIBUTING.md", List.of("./caravan test"),
            // .ci/service and .ci/containers type what that page says
            "install.md",
                    List.of(
                            "./mvnw -Prelease package",
                            "tar -xzf",
                            "ln -s",
                            "/opt/pgcaravan",
                            "sudo caravan install-service",
                            "docker compose"),
            "security.md", List.of("mvn org.owasp:", "osv-scanner"),
            "from-skytools.md", List.of("table_dispatcher.py"));

    /** @param language what stands behind the fence; empty for nothing */
    record Block(String language, String text, int line) {

        boolean isShell() {
            return language.equals("console") || language.equals("sh");
        }

        /** Commands, each with the lines that it is shown to print. */
        List<Shown> commands() {
            List<Shown> commands = new ArrayList<>();
            List<String> lines = text.lines().toList();
            for (int i = 0; i < lines.size(); i++) {
                Matcher prompt = PROMPT.matcher(lines.get(i));
                boolean prompted = prompt.matches();
                if (language.equals("console") && !prompted) {
                    if (!lines.get(i).isBlank() && !commands.isEmpty()) {
                        commands.get(commands.size() - 1).output.add(lines.get(i));
                    }
                    continue;
                }
                if (lines.get(i).isBlank()) {
                    continue;
                }
                int at = line + 1 + i;
                StringBuilder command = new StringBuilder(prompted ? prompt.group(1) : lines.get(i));
                boolean loop = LOOP.matcher(command).matches();
                while (i + 1 < lines.size()
                        && (command.charAt(command.length() - 1) == '\\'
                                || loop && !lines.get(i).strip().matches("done|fi"))) {
                    command.append('\n').append(lines.get(++i));
                }
                commands.add(new Shown(command.toString(), new ArrayList<>(), at));
            }
            return commands;
        }
    }

    /**
     * A command as a page shows it.
     *
     * @param line where on the page
     */
    record Shown(String command, List<String> output, int line) {}

    static Page read(Path file) throws IOException {
        return of(file.toString(), Files.readString(file));
    }

    static Page of(String name, String text) {
        List<Block> blocks = new ArrayList<>();
        Matcher fence = FENCE.matcher(text);
        while (fence.find()) {
            int line = (int) text.substring(0, fence.start()).lines().count() + 1;
            // what a list item shows is indented with it
            blocks.add(new Block(
                    fence.group(2).strip(), fence.group(3).stripTrailing().stripIndent(), line));
        }
        return new Page(name, text, blocks);
    }

    /** All pages that people write; the reference is the code's own. */
    static List<Page> all() throws IOException {
        try (Stream<Path> files = Stream.concat(
                Stream.of(Path.of("README.md"), Path.of("CONTRIBUTING.md")), Files.walk(Path.of("docs")))) {
            List<Page> pages = new ArrayList<>();
            for (Path file : files.filter(file -> file.toString().endsWith(".md"))
                    .filter(file -> !file.startsWith(REFERENCE))
                    .sorted()
                    .toList()) {
                pages.add(read(file));
            }
            return pages;
        }
    }

    boolean isElsewhere(Shown shown) {
        return ELSEWHERE.getOrDefault(fileName(), List.of()).stream().anyMatch(shown.command()::startsWith);
    }

    String fileName() {
        return name.replaceFirst(".*/", "");
    }

    List<Shown> commands() {
        return blocks.stream()
                .filter(Block::isShell)
                .flatMap(block -> block.commands().stream())
                .toList();
    }

    /** Lines that somebody would type and that are not marked as such, so that nothing would run them. */
    List<String> hidden() {
        List<String> hidden = new ArrayList<>();
        for (Block block : blocks) {
            if (block.language.isEmpty()) {
                hidden.add(name + ":" + block.line + ": a block without a language");
            } else if (!block.isShell()) {
                block.text
                        .lines()
                        .filter(line -> TYPED.matcher(line.strip()).matches())
                        .forEach(line -> hidden.add(name + ":" + block.line + ": " + line.strip()));
            }
        }
        FENCE.matcher(text)
                .replaceAll("")
                .lines()
                .filter(line ->
                        line.startsWith("    ") && TYPED.matcher(line.strip()).matches())
                .forEach(line -> hidden.add(name + ": " + line.strip()));
        return hidden;
    }

    @Override
    public String toString() {
        return name;
    }
}
