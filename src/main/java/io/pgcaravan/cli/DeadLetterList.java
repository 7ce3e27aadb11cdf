package io.pgcaravan.cli;

import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.load.DeadLetters;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.util.json.JsonArray;
import org.apache.camel.util.json.JsonObject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code caravan dead-letter list}. */
@Command(name = "list", mixinStandardHelpOptions = true, description = "Lists the dead letters.")
final class DeadLetterList extends DeadLetterCommand.OnTarget {

    private static final DateTimeFormatter AT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());
    private static final int LONGEST_ERROR = 100;

    @Option(names = "--consumer", paramLabel = "NAME", description = "Only those of this consumer.")
    private String consumer;

    @Option(names = "--json", description = "Print a JSON array with all fields.")
    private boolean json;

    @Override
    int on(Connection target) throws SQLException {
        List<DeadLetter> letters = DeadLetters.list(target, consumer);
        if (json) {
            JsonArray array = new JsonArray();
            letters.forEach(letter -> array.add(new JsonObject(fields(letter))));
            out().println(array.toJson());
            return 0;
        }
        if (letters.isEmpty()) {
            out().println("there are no dead letters");
            return 0;
        }
        TextTable table = new TextTable(">ID", "AT", "CONSUMER", ">EVENT", "TYPE", "ERROR");
        for (DeadLetter letter : letters) {
            table.add(
                    Long.toString(letter.id()),
                    AT.format(letter.at()),
                    letter.consumer(),
                    Long.toString(letter.eventId()),
                    letter.type(),
                    shortened(letter.error()));
        }
        table.print(out());
        return 0;
    }

    /** All that is known of a letter, by the names of the table's columns. */
    static Map<String, Object> fields(DeadLetter letter) {
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
}
