package io.pgcaravan.ship.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pgcaravan.ship.format.SetName.Part;
import java.io.IOException;
import java.io.StringWriter;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

/** The {@code .ack} files, by which an import answers. */
public final class Acknowledgements {

    private Acknowledgements() {}

    /** Where the arrival of a set is noted. */
    public interface Ledger {

        /** @return false where the set is not this ledger's */
        boolean acknowledged(UUID setId) throws SQLException;
    }

    public static String json(Manifest manifest) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            json.writeNumberField("format", Manifest.FORMAT);
            json.writeObjectFieldStart("table");
            json.writeStringField("schema", manifest.table().schema());
            json.writeStringField("name", manifest.table().name());
            json.writeEndObject();
            json.writeNumberField("set", manifest.number());
            json.writeStringField("setId", manifest.setId().toString());
            json.writeStringField(
                    "appliedAt", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return text + "\n";
    }

    /** Notes in the ledger what came back, and deletes it. What is none of this ledger's stays where it is. */
    public static void read(DropDirectory directory, Ledger ledger) throws IOException, SQLException {
        for (SetName set : directory.markers(Part.ACK)) {
            UUID setId;
            try {
                byte[] bytes = directory.marker(set, Part.ACK);
                if (bytes == null) {
                    continue;
                }
                setId = Fields.parse(bytes).uuid("setId");
            } catch (MalformedException e) {
                continue;
            }
            if (ledger.acknowledged(setId)) {
                directory.deleteAck(set);
            }
        }
    }
}
