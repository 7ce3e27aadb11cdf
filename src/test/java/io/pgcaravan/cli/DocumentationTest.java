package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What the documentation tells people to type works. */
class DocumentationTest {

    private static final Pattern FENCE = Pattern.compile("(?ms)^( *)```(\\w*)[^\n]*\n(.*?)^ *```");

    /** A command as it stands on a line: behind a prompt, behind variables, behind another command. */
    private static final Pattern COMMAND = Pattern.compile("(?:^|[\\s;&|(])(?:\\./)?caravan(?=\\s|$)([^;&|)>]*)");

    private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|([^\\s'\"]+)");

    /** What stands for a value of the reader's own. */
    private static final Pattern PLACEHOLDER = Pattern.compile("[A-Z][A-Z0-9_./-]*|\\.\\.\\.|…");

    private static final Set<String> COMMANDS =
            Caravan.commandLine().getSubcommands().keySet();

    @TempDir
    private Path directory;

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
                Stream.of(Path.of("README.md"), Path.of("CONTRIBUTING.md")), Files.walk(Path.of("src/main/docs")))) {
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
    void every_command_that_a_sentence_names_exists() throws Exception {
        List<String> wrong = new ArrayList<>();
        for (Path page : pages()) {
            Matcher quoted = Pattern.compile("`(?:\\./)?caravan ([a-z][a-z-]*)").matcher(Files.readString(page));
            while (quoted.find()) {
                if (!exists(quoted.group(1))) {
                    wrong.add(page + ": caravan " + quoted.group(1));
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

    @Test
    void a_job_of_ones_own_works_as_the_readme_has_it() throws Exception {
        String readme = Files.readString(Path.of("README.md"));
        Path section = directory.resolve("section.md");
        int from = readme.indexOf("\n## A job of your own");
        Files.writeString(section, readme.substring(from, readme.indexOf("\n### ", from)));
        List<String> sql = texts(section, "sql");
        List<String> properties = texts(section, "properties");
        assertThat(sql).hasSize(2);
        assertThat(properties).hasSize(1);

        String sourceUrl = PgServer.get().createDatabase("readme_source");
        String targetUrl = PgServer.get().createDatabase("readme_target");
        try (Connection source = DriverManager.getConnection(sourceUrl);
                Connection target = DriverManager.getConnection(targetUrl)) {
            on(
                    source,
                    "create table orders (id bigint primary key, customer text, amount numeric(10,2), status text,"
                            + " created_at timestamp not null)");
            on(source, sql.get(0));
            on(target, sql.get(1));
            Properties keys = new Properties();
            keys.load(new java.io.StringReader(properties.get(0)));
            keys.setProperty("database.sourceDb.url", sourceUrl);
            keys.setProperty("database.targetDb.url", targetUrl);
            keys.setProperty("camel.management.enabled", "false");
            java.util.Map<String, String> all = new java.util.TreeMap<>();
            keys.forEach((key, value) -> all.put(key.toString(), value.toString()));
            Path config = Setup.config(directory.resolve("config"), all);
            on(source, "select pgq.force_tick('orders'), pgq.ticker('orders')");

            CommandRun check = CommandRun.of("check", "--config", config.toString(), "--routes", "routes");
            assertThat(check.status()).as(check.out() + check.err()).isZero();
            try (Application application = Application.configured(config, Path.of("routes"))) {
                application.start();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> value(source, "select count(*) from pgq.subscription")
                                .equals(1L));
                on(source, "insert into orders values (1, 'Ann', 9.5, 'new', '2026-10-02 12:00')");
                on(source, "update orders set status = 'paid'");
                await().atMost(Duration.ofSeconds(60)).until(() -> {
                    on(source, "select pgq.force_tick('orders'), pgq.ticker('orders')");
                    return value(target, "select count(*) from orders where status = 'paid'")
                            .equals(1L);
                });
            }
            assertThat(value(target, "select to_regclass('orders_2026_10_02') is not null"))
                    .isEqualTo(true);
        }
    }

    @Test
    void a_table_is_shipped_and_a_lost_set_sent_again_as_the_pages_have_it() throws Exception {
        String sourceUrl = PgServer.get().createDatabase("shop");
        String targetUrl = PgServer.get().createDatabase("archive");
        Path drop = Files.createDirectory(directory.resolve("drop"));
        try (Connection source = DriverManager.getConnection(sourceUrl);
                Connection target = DriverManager.getConnection(targetUrl)) {
            String table = "create table orders (id bigint primary key, customer text)";
            on(source, table + "; insert into orders select i, 'c' || i from generate_series(1, 100) i");
            on(target, table);
            String here = value(target, "select current_database()").toString();
            List<String> readme = shipped(Path.of("README.md"), sourceUrl, targetUrl, here, drop);
            assertThat(readme).hasSize(4);
            for (String line : readme) {
                run(line);
            }
            assertThat(value(target, "select count(*) from orders")).isEqualTo(100L);

            on(source, "delete from orders where id > 50");
            run(readme.get(2));
            try (Stream<Path> files = Files.list(drop)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    Files.delete(file);
                }
            }
            List<String> recover = shipped(Path.of("src/main/docs/recover.md"), sourceUrl, targetUrl, here, drop);
            assertThat(recover).hasSize(2);
            for (String line : recover) {
                run(line.replace("--again 42", "--again 2"));
            }
            run(readme.get(3));
            assertThat(value(target, "select count(*) from orders")).isEqualTo(50L);
        }
    }

    /** The commands of a page's two hosts, with databases and a directory that are there. */
    private static List<String> shipped(Path page, String source, String target, String database, Path drop)
            throws IOException {
        return blocks(page).stream()
                .flatMap(block -> block.text.lines())
                .filter(line -> line.matches("(near|far)\\$ .*"))
                .map(line -> line.replaceAll("\\s#.*$", "")
                        .replace("dbname=shop", source)
                        .replace("dbname=archive", target)
                        .replace("far/archive", "far/" + database)
                        .replace("/var/drop", drop.toString()))
                .toList();
    }

    private static void run(String line) {
        List<String> words = words(line);
        assertThat(words.get(1)).as(line).isEqualTo("./caravan");
        CommandRun run = CommandRun.of(words.subList(2, words.size()).toArray(String[]::new));
        assertThat(run.status()).as(line + "\n" + run.out() + run.err()).isZero();
    }

    private static List<String> texts(Path file, String language) throws IOException {
        return blocks(file).stream()
                .filter(block -> block.language.equals(language))
                .map(Block::text)
                .toList();
    }

    private static void on(Connection connection, String sql) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static Object value(Connection connection, String query) throws Exception {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getObject(1);
        }
    }
}
