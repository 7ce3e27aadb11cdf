package io.pgcaravan.batch;

import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.Pgq;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * A batch's events, streamed in chunks. A thread of its own reads ahead of the consumer by a few chunks, so that the
 * source, the decoding and the target work at the same time, and memory does not grow with the batch.
 *
 * <p>COPY of the statement that {@code pgq.batch_event_sql} gives: half the time of {@code pgq.get_batch_events}, which
 * materialises its result first. Binary, because the texts then arrive without COPY's escapes.
 */
public final class BatchEvents implements Iterator<List<Event>>, AutoCloseable {

    /** What the reader has ready at most, besides the chunk it fills and the one in use. */
    private static final int CHUNKS_AHEAD = 2;

    /** A chunk is handed on when its events reach this many bytes, whatever their number. */
    private static final int CHUNK_BYTES = 2 << 20;

    /** "PGCOPY\n\377\r\n\0", flags and the length of the header's extension. */
    private static final int SIGNATURE_AND_FLAGS = 15;

    private static final int FIELDS = 10;
    private static final int FIRST_TEXT = 5;

    private record Part(List<Event> events, SQLException failure) {}

    private static final Part END = new Part(List.of(), null);

    private final Batch batch;
    private final PGConnection connection;
    private final CopyOut copy;
    private final int chunkEvents;
    private final BlockingQueue<Part> ready = new ArrayBlockingQueue<>(CHUNKS_AHEAD);
    private final Thread reader;
    private volatile boolean closed;
    private Part next;
    private long handedOut;

    // of the reader's thread
    private byte[] lastType = {};
    private String lastTypeText = "";

    /**
     * Starts reading.
     *
     * @param source used by nothing else until this is closed; autocommit on
     * @param sql the statement of {@link Pgq#eventSql}
     * @param chunkEvents events in a chunk, at most
     */
    public BatchEvents(Batch batch, Connection source, String sql, int chunkEvents) throws SQLException {
        this.batch = batch;
        this.chunkEvents = chunkEvents;
        this.connection = source.unwrap(PGConnection.class);
        this.copy = connection.getCopyAPI().copyOut("copy (" + sql + ") to stdout with (format binary)");
        this.reader = new Thread(this::read, "pgq-read-" + batch.queue() + "-" + batch.consumer());
        this.reader.setDaemon(true);
        this.reader.start();
    }

    @Override
    public boolean hasNext() {
        if (next == null) {
            try {
                while ((next = ready.poll(1, TimeUnit.SECONDS)) == null) {
                    if (!reader.isAlive() && ready.isEmpty()) {
                        throw new SourceFailedException(
                                batch, new SQLException("its reader ended", "XX000", new InternalError()));
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new SourceFailedException(batch, e);
            }
        }
        if (next.failure != null) {
            throw new SourceFailedException(batch, next.failure);
        }
        return next != END;
    }

    @Override
    public List<Event> next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no more events in " + batch);
        }
        List<Event> events = next.events;
        handedOut += events.size();
        next = null;
        return events;
    }

    /** Whether every event was handed out and the source said that there are no more. */
    public boolean isExhausted() {
        return next == END;
    }

    /** Events handed out so far. */
    public long handedOut() {
        return handedOut;
    }

    /** Stops reading; the connection is free again afterwards. A batch that was not read to its end is cancelled. */
    @Override
    public void close() throws SQLException {
        closed = true;
        if (reader.isAlive() && next != END) {
            try {
                connection.cancelQuery();
            } catch (SQLException e) {
                // the connection is gone, which its next use will say
            }
        }
        ready.clear();
        try {
            reader.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void read() {
        try {
            List<Event> events = new ArrayList<>();
            int bytes = 0;
            boolean first = true;
            byte[] row;
            while ((row = copy.readFromCopy()) != null) {
                if (closed) {
                    // Only this thread reads from the connection, up to the end of what a cancelled COPY still sends.
                    continue;
                }
                int at = 0;
                if (first) {
                    at = SIGNATURE_AND_FLAGS + 4 + ByteBuffer.wrap(row).getInt(SIGNATURE_AND_FLAGS);
                    first = false;
                }
                // The header, a row and the trailer (a field count of -1) may share a message.
                while (at < row.length) {
                    ByteBuffer fields = ByteBuffer.wrap(row, at, row.length - at);
                    int count = fields.getShort();
                    if (count < 0) {
                        break;
                    }
                    events.add(event(fields, count, row));
                    bytes += fields.position() - at;
                    at = fields.position();
                }
                if (events.size() >= chunkEvents || bytes >= CHUNK_BYTES) {
                    offer(new Part(events, null));
                    events = new ArrayList<>(chunkEvents);
                    bytes = 0;
                }
            }
            if (!events.isEmpty()) {
                offer(new Part(events, null));
            }
            offer(END);
        } catch (SQLException e) {
            offer(new Part(List.of(), e));
        } catch (RuntimeException | Error e) {
            offer(new Part(List.of(), new SQLException(e.toString(), "XX000", e)));
        }
    }

    private void offer(Part part) {
        try {
            while (!closed && !ready.offer(part, 100, TimeUnit.MILLISECONDS)) {
                // the consumer is busy
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Event event(ByteBuffer fields, int count, byte[] row) {
        if (count != FIELDS) {
            throw new IllegalStateException("PgQ gives events of " + FIELDS + " columns, this one has " + count);
        }
        fields.getInt();
        long id = fields.getLong();
        fields.getInt();
        long time = fields.getLong();
        long txid = fields.getInt() < 0 ? 0 : fields.getLong();
        int retry = fields.getInt() < 0 ? 0 : fields.getInt();
        int typeLength = fields.getInt();
        String type = null;
        if (typeLength >= 0) {
            type = type(row, fields.position(), typeLength);
            fields.position(fields.position() + typeLength);
        }
        int[] bounds = new int[2 * (FIELDS - FIRST_TEXT)];
        for (int i = 0; i < bounds.length; i += 2) {
            int length = fields.getInt();
            if (length < 0) {
                bounds[i] = -1;
                bounds[i + 1] = -1;
            } else {
                bounds[i] = fields.position();
                bounds[i + 1] = fields.position() + length;
                fields.position(bounds[i + 1]);
            }
        }
        return new Event(id, time, txid, retry, type, row, bounds);
    }

    /** Types repeat: most rows are of the type of the row before. */
    private String type(byte[] row, int from, int length) {
        if (!Arrays.equals(row, from, from + length, lastType, 0, lastType.length)) {
            lastType = Arrays.copyOfRange(row, from, from + length);
            lastTypeText = new String(lastType, StandardCharsets.UTF_8).intern();
        }
        return lastTypeText;
    }
}
