package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.camel.DeadLetterRetry;
import io.pgcaravan.load.DeadLetters;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.util.json.Jsoner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan dead-letter}: the rows of a target that could not be loaded. */
@Command(
        name = "dead-letter",
        mixinStandardHelpOptions = true,
        description = "Shows, retries and discards rows that could not be loaded (onError=dead-letter).",
        synopsisSubcommandLabel = "COMMAND")
final class DeadLetterCommand {

    private static final DateTimeFormatter AT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());
    private static final int LONGEST_ERROR = 100;

    @Spec
    private CommandSpec spec;

    /** Which letters a command is about. */
    static final class Choice {

        @Parameters(paramLabel = "ID", arity = "0..*", description = "The letters' numbers, as list shows them.")
        private List<Long> ids = List.of();

        @Option(names = "--all", description = "All letters.")
        private boolean all;

        @Option(names = "--consumer", paramLabel = "NAME", description = "With --all: only those of this consumer.")
        private String consumer;

        @Spec(Spec.Target.MIXEE)
        private CommandSpec command;

        /** The chosen letters, in the order they came. */
        private List<DeadLetter> letters(Connection target) throws SQLException {
            if (all != ids.isEmpty()) {
                throw new ParameterException(command.commandLine(), "give either the letters' IDs or --all");
            }
            if (consumer != null && !all) {
                throw new ParameterException(command.commandLine(), "--consumer requires --all");
            }
            if (all) {
                return DeadLetters.list(target, consumer);
            }
            List<DeadLetter> letters = new ArrayList<>();
            for (long id : ids.stream().sorted().distinct().toList()) {
                letters.add(find(target, id));
            }
            return letters;
        }
    }

    private static Connection connect(DatabaseOption database) throws IOException, SQLException {
        Connection target = database.database("targetDb").reachPinned();
        if (!DeadLetters.exist(target)) {
            String name = target.getCatalog();
            target.close();
            throw new CommandFailedException("there is no table caravan.dead_letter in database \"" + name
                    + "\": no job has run with this target yet");
        }
        return target;
    }

    private static DeadLetter find(Connection target, long id) throws SQLException {
        DeadLetter letter = DeadLetters.find(target, id);
        if (letter == null) {
            throw new CommandFailedException(
                    "there is no dead letter " + id + "; caravan dead-letter list shows those there are");
        }
        return letter;
    }

    @Command(mixinStandardHelpOptions = true, description = "Lists the dead letters.")
    void list(
            @Mixin DatabaseOption database,
            @Option(names = "--consumer", paramLabel = "NAME", description = "Only those of this consumer.")
                    String consumer,
            @Option(names = "--json", description = "Print a JSON array with all fields.") boolean json)
            throws IOException, SQLException {
        List<DeadLetter> letters;
        try (Connection target = connect(database)) {
            letters = DeadLetters.list(target, consumer);
        }
        if (json) {
            out().println(Jsoner.serialize(
                    letters.stream().map(DeadLetterCommand::fields).toList()));
        } else if (letters.isEmpty()) {
            out().println("there are no dead letters");
        } else {
            TextTable table = new TextTable(">ID | AT | CONSUMER | >EVENT | TYPE | ERROR");
            letters.forEach(letter -> table.add(
                    letter.id(),
                    AT.format(letter.at()),
                    letter.consumer(),
                    letter.eventId(),
                    letter.type(),
                    shortened(letter.error())));
            table.print(out());
        }
    }

    @Command(mixinStandardHelpOptions = true, description = "Shows all of one dead letter.")
    void show(
            @Mixin DatabaseOption database,
            @Parameters(paramLabel = "ID", description = "The letter's number, as list shows it.") long id)
            throws IOException, SQLException {
        try (Connection target = connect(database)) {
            fields(find(target, id)).forEach((name, value) -> {
                if (value != null) {
                    // further lines of a value stand below its first, so that none looks like a field of its own
                    out().printf("%-9s  %s%n", name, String.valueOf(value).replace("\n", "\n           "));
                }
            });
        }
    }

    @Command(
            mixinStandardHelpOptions = true,
            description =
                    "Sends dead letters through their job's route again, each in a transaction of its own that also"
                            + " takes it from the dead letters. The job may run meanwhile.",
            exitCodeList = {
                "0:all are loaded; also where there was none",
                "1:one could not be loaded and stays; the others are",
                "2:bad usage or configuration"
            })
    int retry(
            @Mixin DatabaseOption database,
            @Mixin Choice choice,
            @Mixin RoutesOption routes,
            @Option(
                            names = "--force",
                            description = "In rowMode keep_latest and plain: apply an event even where the target has a"
                                    + " row with its key, which later events may have written.")
                    boolean force)
            throws IOException, SQLException {
        List<DeadLetter> letters;
        try (Connection target = connect(database)) {
            letters = choice.letters(target);
        }
        if (letters.isEmpty()) {
            out().println("there are no dead letters to retry");
            return 0;
        }
        int failed = 0;
        try (Application application = Application.waiting(database.config(), routes.directory(), database.given())) {
            application.start();
            DeadLetterRetry retry = new DeadLetterRetry(application.context());
            for (DeadLetter letter : letters) {
                failed += retry(retry, letter, force) ? 0 : 1;
            }
        }
        if (failed > 0) {
            err().println(failed + " of " + letters.size() + " could not be loaded");
        }
        return failed == 0 ? 0 : 1;
    }

    private boolean retry(DeadLetterRetry retry, DeadLetter letter, boolean force) {
        try {
            retry.apply(letter, force);
            out().println(letter + " is loaded");
            return true;
        } catch (Exception e) {
            err().println(letter + " stays: " + e.getMessage()
                    + (e.getMessage().contains("later events may have written") ? "; --force applies it" : ""));
            return false;
        }
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Deletes dead letters for good; their rows never reach the target.")
    void discard(@Mixin DatabaseOption database, @Mixin Choice choice) throws IOException, SQLException {
        int discarded = 0;
        try (Connection target = connect(database)) {
            target.setAutoCommit(false);
            for (DeadLetter letter : choice.letters(target)) {
                discarded += DeadLetters.delete(target, letter.id()) ? 1 : 0;
            }
            target.commit();
        }
        out().println(discarded + (discarded == 1 ? " dead letter" : " dead letters") + " discarded");
    }

    /** All that is known of a letter, by the names of the table's columns. */
    private static Map<String, Object> fields(DeadLetter letter) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("id", letter.id());
        fields.put("at", letter.at().toString());
        fields.put("consumer", letter.consumer());
        fields.put("queue", letter.queue());
        fields.put("batch_id", letter.batchId());
        fields.put("tick", letter.tick());
        fields.put("tick_time", letter.tickTime().toString());
        fields.put("ev_id", letter.eventId());
        fields.put("ev_time", letter.eventTime().toString());
        fields.put("ev_type", letter.type());
        fields.put("ev_data", letter.data());
        for (int i = 0; i < letter.extras().size(); i++) {
            fields.put("ev_extra" + (i + 1), letter.extras().get(i));
        }
        fields.put("sqlstate", letter.sqlState());
        fields.put("error", letter.error());
        return fields;
    }

    private static String shortened(String error) {
        String line = error.lines().findFirst().orElse("");
        return line.length() <= LONGEST_ERROR ? line : line.substring(0, LONGEST_ERROR - 3) + "...";
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
