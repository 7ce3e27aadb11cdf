package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What the documentation tells people to type works. */
class DocumentationTest {

    private static final Pattern QUOTED = Pattern.compile("`(?:sudo )?(?:\\./)?caravan ([a-z][^`|]*)[^`]*`");

    private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|([^\\s'\"]+)");

    /** What stands for a value of the reader's own. */
    private static final Pattern PLACEHOLDER = Pattern.compile("[A-Z][A-Z0-9_./-]*|\\.\\.\\.|…");

    private static final List<String> OF_THE_LAUNCHER = List.of("test", "class-data");

    /** Those in blocks are typed by {@link WalkThroughTest}. */
    @Test
    void every_command_that_a_sentence_names_exists_with_its_options() throws Exception {
        List<String> wrong = new ArrayList<>();
        int commands = 0;
        for (Page page : Page.all()) {
            Matcher quoted = QUOTED.matcher(page.text().replaceAll("(?ms)^ *```.*?^ *```", ""));
            for (; quoted.find(); commands++) {
                String problem = problem(words(quoted.group(1)));
                if (problem != null) {
                    wrong.add(page + ": " + quoted.group() + ": " + problem);
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(commands).isGreaterThan(20);
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
        if (words.isEmpty() || OF_THE_LAUNCHER.contains(words.get(0))) {
            return null;
        }
        if (words.get(0).endsWith(",")) {
            // several in one line
            return words.stream()
                    .map(word -> word.replace(",", ""))
                    .filter(word -> !OF_THE_LAUNCHER.contains(word)
                            && !Caravan.commandLine().getSubcommands().containsKey(word))
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
