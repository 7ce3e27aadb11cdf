package io.pgcaravan.ship.format;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
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

    private record Acknowledgement(
            int format,
            TableName table,
            @JsonProperty("set") long number,
            UUID setId,
            Instant appliedAt) {}

    public static String json(Manifest set) {
        return StrictJson.lines(new Acknowledgement(
                StrictJson.FORMAT,
                set.table(),
                set.number(),
                set.setId(),
                Instant.now().truncatedTo(ChronoUnit.MILLIS)));
    }

    /** Notes in the ledger what came back, and deletes it. What is none of this ledger's stays where it is. */
    public static void read(DropDirectory directory, Ledger ledger) throws IOException, SQLException {
        for (SetName set : directory.markers(SetPart.ACK)) {
            try {
                byte[] bytes = directory.marker(set, SetPart.ACK);
                if (bytes != null && ledger.acknowledged(StrictJson.read(bytes, Acknowledgement.class).setId)) {
                    directory.deleteAck(set);
                }
            } catch (MalformedException e) {
                // stays, as it is no answer
            }
        }
    }
}
