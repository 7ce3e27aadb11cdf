package io.pgcaravan.ship;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/** The rows of a query as COPY writes them. */
public final class CopyOutput {

    /** Takes a line, with its end. */
    @FunctionalInterface
    public interface LineReader {
        void line(byte[] line) throws IOException;
    }

    private CopyOutput() {}

    /** Reads to the end; where the reader fails, the COPY is cancelled. */
    public static void read(Connection connection, String query, LineReader reader) throws SQLException, IOException {
        CopyOut copy = connection.unwrap(PGConnection.class).getCopyAPI().copyOut("copy (" + query + ") to stdout");
        try {
            for (byte[] line = copy.readFromCopy(); line != null; line = copy.readFromCopy()) {
                reader.line(line);
            }
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }
}
