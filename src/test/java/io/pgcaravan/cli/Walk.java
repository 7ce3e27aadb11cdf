package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.app.Configuration;
import java.io.Closeable;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The way through a page, from its top to its end: SQL goes to the database that its first line names ({@code -- in shop}),
 * properties go into {@code config/application.properties}, commands are typed as they stand, and what the page shows below them
 * is what they print.
 *
 * <p>What the page's reader has or does besides is added before it is gone: tables, rows, the names of hosts.
 */
final class Walk implements AutoCloseable {

    /** Something that the reader does, or has a look at. */
    interface Act {
        void act() throws Exception;
    }

    private static final Pattern DATABASE = Pattern.compile("-- in (\\w+)\\b.*");
    private static final Pattern FOREVER = Pattern.compile("(?s)(?:\\./)?caravan run\\b.*");
    private static final Pattern WATCHING = Pattern.compile("(?s)(?:\\./)?caravan [^#]*--watch\\b.*");

    private final Page page;
    final ReadersMachine machine;
    private final Map<String, Act> before = new LinkedHashMap<>();
    private final Map<String, Act> after = new LinkedHashMap<>();
    private final Map<String, Integer> statuses = new LinkedHashMap<>();
    private final Map<String, String> words = new LinkedHashMap<>();
    private final List<String> unused = new ArrayList<>();
    private final List<Closeable> resources = new ArrayList<>();
    private int commands;

    Walk(Page page, ReadersMachine machine) {
        this.page = page;
        this.machine = machine;
    }

    /** @param what the beginning of a command, or of the SQL or properties of a block behind its first line */
    Walk before(String what, Act act) {
        before.put(what, act);
        unused.add(what);
        return this;
    }

    Walk after(String what, Act act) {
        after.put(what, act);
        unused.add(what);
        return this;
    }

    /** The command is meant to end with that code. */
    Walk ends(String command, int status) {
        statuses.put(command, status);
        unused.add(command);
        return this;
    }

    /** A value of the reader's own. */
    Walk says(String word, String value) {
        words.put(word, value);
        unused.add(word);
        return this;
    }

    /** Something that is there until the page's end. */
    Walk closes(Closeable resource) {
        resources.add(resource);
        return this;
    }

    /** @return how many commands were run */
    int go() throws Exception {
        for (Page.Block block : page.blocks()) {
            switch (block.language()) {
                case "sql" -> sql(block);
                case "properties" -> properties(block);
                case "console", "sh" -> {
                    for (Page.Shown shown : block.commands()) {
                        if (!page.isElsewhere(shown)) {
                            type(shown);
                        }
                    }
                }
                default -> {
                    // output, or a route: another test's
                }
            }
        }
        machine.stopRunning();
        assertThat(unused)
                .as("what is said of %s and does not occur there", page)
                .isEmpty();
        return commands;
    }

    private void sql(Page.Block block) throws Exception {
        String text = own(block.text());
        Matcher database = DATABASE.matcher(text.lines().findFirst().orElse(""));
        assertThat(database.matches())
                .as("%s:%d: its first line says where it goes: -- in shop", page, block.line())
                .isTrue();
        String behind = text.substring(database.end()).strip();
        act(before, behind);
        ReadersMachine.Ran ran =
                machine.run("psql -X -q -v ON_ERROR_STOP=1 " + database.group(1) + " <<'-- end'\n" + text + "\n-- end");
        assertThat(ran.status())
                .as("%s:%d: %s%s", page, block.line(), ran.out(), ran.err())
                .isZero();
        commands++;
        act(after, behind);
    }

    private void properties(Page.Block block) throws Exception {
        Properties read = new Properties();
        read.load(new StringReader(own(block.text())));
        act(before, block.text());
        Map<String, String> these = new HashMap<>();
        read.forEach((key, value) -> these.put(key.toString(), value.toString()));
        machine.configure(these);
        commands++;
        // a key that nothing knows is refused
        Configuration.read(machine.here.resolve("config"), machine.here.resolve("routes"), false);
        act(after, block.text());
    }

    private void type(Page.Shown shown) throws Exception {
        String command = own(shown.command());
        act(before, command);
        if (FOREVER.matcher(command).matches()) {
            machine.start(command);
        } else if (WATCHING.matcher(command).matches()) {
            machine.look(command, "\n");
        } else {
            ReadersMachine.Ran ran = machine.run(command);
            String all = ran.out() + ran.err();
            assertThat(ran.status())
                    .as("%s:%d: %s\n%s", page, shown.line(), command, all)
                    .isEqualTo(status(command));
            assertThat(differences(shown.output(), all.lines().toList()))
                    .as("%s:%d: %s prints\n%s", page, shown.line(), command, all)
                    .isEmpty();
        }
        commands++;
        act(after, command);
    }

    private int status(String command) {
        for (Map.Entry<String, Integer> expected : statuses.entrySet()) {
            if (command.startsWith(expected.getKey())) {
                unused.remove(expected.getKey());
                return expected.getValue();
            }
        }
        return 0;
    }

    private String own(String text) {
        String own = text;
        for (Map.Entry<String, String> word : words.entrySet()) {
            if (own.contains(word.getKey())) {
                unused.remove(word.getKey());
                own = own.replace(word.getKey(), word.getValue());
            }
        }
        return own;
    }

    private void act(Map<String, Act> acts, String what) throws Exception {
        for (Map.Entry<String, Act> act : acts.entrySet()) {
            if (what.startsWith(act.getKey())) {
                unused.remove(act.getKey());
                act.getValue().act();
            }
        }
    }

    /**
     * Lines that a page shows and a command did not print, in that order. A line {@code ...} stands for any lines, an end
     * {@code ...} for any end; numbers, dates and times may be others, and so may the width of columns.
     */
    static List<String> differences(List<String> shown, List<String> printed) {
        List<String> missing = new ArrayList<>();
        List<String> shapes = printed.stream()
                .map(Walk::shape)
                .filter(line -> !line.isEmpty())
                .toList();
        int next = 0;
        boolean any = false;
        for (String line : shown) {
            if (line.strip().equals("...")) {
                any = true;
                continue;
            }
            boolean open = line.endsWith("...");
            String shape = shape(open ? line.substring(0, line.length() - 3) : line);
            int at = next;
            while (at < shapes.size()
                    && !(open
                            ? shapes.get(at).startsWith(shape)
                            : shapes.get(at).equals(shape))) {
                at++;
            }
            if (at == shapes.size() || at > next && !any) {
                missing.add(line);
            } else {
                next = at + 1;
                any = false;
            }
        }
        if (!shown.isEmpty() && missing.isEmpty() && !any && next < shapes.size()) {
            missing.add("(and nothing else)");
        }
        return missing;
    }

    private static String shape(String line) {
        return line.strip()
                .replaceAll("[0-9](?:[0-9.,:]*[0-9])?", "0")
                .replaceAll("\\b0 (?:ms|s|min|h|days?)\\b", "0 s")
                .replaceAll("\\b0(?:-0)+(?: 0)?\\b", "0")
                .replaceAll(" {2,}", " ");
    }

    @Override
    public void close() throws IOException {
        for (Closeable resource : resources) {
            resource.close();
        }
    }
}
