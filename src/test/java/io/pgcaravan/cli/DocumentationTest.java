package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What the documentation tells people to type works. */
class DocumentationTest {

    private static final Pattern FENCE = Pattern.compile("(?ms)^( *)```(\\w*)[^\n]*\n(.*?)^ *```");

    /** A command as it stands on a line: behind a prompt, behind variables, behind another command. */
    private static final Pattern COMMAND =
            Pattern.compile("(?:^|[\\s;&|(])(?<!-U )(?:\\./)?caravan(?=\\s|$)([^;&|)>]*)");

    private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|([^\\s'\"]+)");

    /** What stands for a value of the reader's own. */
    private static final Pattern PLACEHOLDER = Pattern.compile("[A-Z][A-Z0-9_./-]*|\\.\\.\\.|…");

    private static final Set<String> COMMANDS =
            Caravan.commandLine().getSubcommands().keySet();

    private record Block(Path file, String language, String text) {}

    private static List<Block> blocks(Path file) throws IOException {
        List<Block> blocks = new ArrayList<>();
        Matcher fence = FENCE.matcher(Files.readString(file));
        while (fence.find()) {
            blocks.add(new Block(file, fence.group(2), fence.group(3)));
        }
        return blocks;
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> files = Stream.concat(
                Stream.of(Path.of("README.md"), Path.of("CONTRIBUTING.md")), Files.walk(Path.of("docs")))) {
            return files.filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void every_command_that_is_shown_exists_with_every_option_that_it_is_given() throws Exception {
        List<String> wrong = new ArrayList<>();
        int commands = 0;
        for (Path page : pages()) {
            for (Block block : blocks(page)) {
                if (!List.of("console", "sh", "bash", "shell").contains(block.language)) {
                    continue;
                }
                for (String line : block.text.replaceAll("\\\\\n\\s*", " ").split("\n")) {
                    Matcher command = COMMAND.matcher(line.replaceAll("\\s#.*$", ""));
                    while (command.find()) {
                        commands++;
                        String problem = problem(words(command.group(1)));
                        if (problem != null) {
                            wrong.add(page + ": " + line.strip() + ": " + problem);
                        }
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(commands).isGreaterThan(20);
    }

    @Test
    void every_command_that_a_sentence_names_exists_with_every_option_that_it_is_given() throws Exception {
        List<String> wrong = new ArrayList<>();
        for (Path page : pages()) {
            Matcher quoted = Pattern.compile("`(?:sudo )?(?:\\./)?caravan ([a-z][^`|]*)[^`]*`")
                    .matcher(Files.readString(page).replaceAll("(?ms)^ *```.*?^ *```", ""));
            while (quoted.find()) {
                String problem = problem(words(quoted.group(1)));
                if (problem != null) {
                    wrong.add(page + ": " + quoted.group() + ": " + problem);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    private static boolean exists(String command) {
        // the launcher's own
        return List.of("test", "class-data").contains(command) || COMMANDS.contains(command);
    }

    private static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(text);
        int end = -1;
        while (word.find()) {
            String one = word.group(1) != null ? word.group(1) : word.group(2) != null ? word.group(2) : word.group(3);
            // parts that touch are one word: --table='a b'
            if (word.start() == end) {
                words.set(words.size() - 1, words.get(words.size() - 1) + one);
            } else {
                words.add(one);
            }
            end = word.end();
        }
        return words;
    }

    /** What picocli has against it; null for nothing. Values that are left out, or stand for others, are nobody's fault. */
    private static String problem(List<String> words) {
        if (words.isEmpty() || List.of("test", "class-data").contains(words.get(0))) {
            return null;
        }
        if (words.get(0).endsWith(",")) {
            // several in one line
            return words.stream()
                    .map(word -> word.replace(",", ""))
                    .filter(word -> !exists(word))
                    .findFirst()
                    .map(word -> "no command " + word)
                    .orElse(null);
        }
        CommandLine line = Caravan.commandLine(words.toArray(String[]::new));
        try {
            line.parseArgs(words.toArray(String[]::new));
            return null;
        } catch (MissingParameterException | CommandLine.OverwrittenOptionException e) {
            return null;
        } catch (UnmatchedArgumentException e) {
            boolean elided = e.getUnmatched().stream()
                    .allMatch(word -> PLACEHOLDER.matcher(word).matches());
            return elided ? null : e.getMessage();
        } catch (ParameterException e) {
            return words.stream().anyMatch(word -> PLACEHOLDER.matcher(word).matches()) ? null : e.getMessage();
        }
    }

    @Test
    void a_mistake_would_be_found() {
        assertThat(problem(List.of("frobnicate"))).contains("frobnicate");
        assertThat(problem(List.of("queue", "list", "--frobnicate"))).contains("--frobnicate");
        assertThat(problem(List.of("export", "--again", "many", "--dir", "x", "--target", "a/b", "--table", "a.b")))
                .contains("many");
        assertThat(problem(List.of("export", "--again", "N"))).isNull();
    }
}
