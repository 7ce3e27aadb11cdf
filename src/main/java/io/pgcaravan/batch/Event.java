package io.pgcaravan.batch;

import io.pgcaravan.queue.Pgq;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;

/**
 * One event of a batch, as PgQ stores it: the columns of {@code pgq.get_batch_events}. The long texts stay the bytes
 * that the source sent (client encoding UTF-8), because almost every event is decoded once and forgotten.
 *
 * @see <a href="https://pgq.github.io/extension/pgq/files/external-sql.html">pgq.get_batch_events</a>
 */
public final class Event extends RowAccount.Entry {

    /** PostgreSQL counts time from 2000-01-01 00:00 UTC. */
    private static final Instant POSTGRES_EPOCH = Instant.parse("2000-01-01T00:00:00Z");

    /** Positions of the texts in {@link #bounds}: data and the four extras. */
    private static final int DATA = 0;

    private static final int EXTRA = 1;

    private final long id;
    private final long timeMicros;
    private final long txid;
    private final int retry;
    private final String type;
    private final byte[] raw;
    private final int[] bounds;
    private boolean masked;
    private Redaction redaction;

    /**
     * @param timeMicros ev_time in microseconds since 2000-01-01 UTC
     * @param type ev_type, null where the producer gave none
     * @param raw an array that holds the texts; it is kept, not copied
     * @param bounds from and to in {@code raw} of data, extra1, extra2, extra3, extra4; from is -1 for NULL
     */
    Event(long id, long timeMicros, long txid, int retry, String type, byte[] raw, int[] bounds) {
        this.id = id;
        this.timeMicros = timeMicros;
        this.txid = txid;
        this.retry = retry;
        this.type = type;
        this.raw = raw;
        this.bounds = bounds;
    }

    /** An event that did not come from a queue just now: a retried dead letter, or a test's. Texts may be null. */
    public static Event of(long id, Instant time, String type, String data, String... extras) {
        String[] texts = new String[5];
        texts[0] = data;
        System.arraycopy(extras, 0, texts, 1, Math.min(4, extras.length));
        byte[][] encoded = new byte[5][];
        int length = 0;
        for (int i = 0; i < 5; i++) {
            if (texts[i] != null) {
                encoded[i] = texts[i].getBytes(StandardCharsets.UTF_8);
                length += encoded[i].length;
            }
        }
        byte[] raw = new byte[length];
        int[] bounds = new int[10];
        int at = 0;
        for (int i = 0; i < 5; i++) {
            if (encoded[i] == null) {
                bounds[2 * i] = -1;
                bounds[2 * i + 1] = -1;
            } else {
                System.arraycopy(encoded[i], 0, raw, at, encoded[i].length);
                bounds[2 * i] = at;
                at += encoded[i].length;
                bounds[2 * i + 1] = at;
            }
        }
        return new Event(id, ChronoUnit.MICROS.between(POSTGRES_EPOCH, time), 0, 0, type, raw, bounds);
    }

    /** The same with data as bytes that nothing converted, and without extras. */
    public static Event raw(long id, String type, byte[] data) {
        return new Event(id, 0, 0, 0, type, data, new int[] {0, data.length, -1, -1, -1, -1, -1, -1, -1, -1});
    }

    /**
     * The same event with other texts, all of which may be null.
     *
     * @see #masked()
     */
    public Event asMasked(String data, String... extras) {
        Event texts = of(id, Instant.EPOCH, type, data, extras);
        Event event = new Event(id, timeMicros, txid, retry, type, texts.raw, texts.bounds);
        event.masked = true;
        return event;
    }

    /** Whether what its job masks is masked in it: a dead letter. */
    public boolean masked() {
        return masked;
    }

    /** Says how the event is to be cleaned before it is kept. */
    public void redactWith(Redaction how) {
        redaction = how;
    }

    /** The event as it may be kept in the target. */
    public Event redacted(OpenBatch batch) {
        return redaction == null ? this : redaction.redact(batch, this);
    }

    @Override
    Event event() {
        return this;
    }

    /** ev_id: ascending within a batch, unique within a queue. */
    public long id() {
        return id;
    }

    /** ev_time: when the event was written at the source, to the microsecond. */
    public Instant time() {
        return POSTGRES_EPOCH.plus(timeMicros, ChronoUnit.MICROS);
    }

    /** ev_txid of the transaction that wrote the event; 0 where it is not known. */
    public long txid() {
        return txid;
    }

    /** ev_retry: how often the event was put back; 0 for the first time. */
    public int retry() {
        return retry;
    }

    /** ev_type; empty where it is NULL. */
    public String type() {
        return type == null ? "" : type;
    }

    /** Whether ev_type is NULL. */
    public boolean isTypeNull() {
        return type == null;
    }

    /** The table that the event is of, as the triggers write it into ev_extra1: unquoted {@code schema.table}; or null. */
    public String table() {
        return extra(1);
    }

    /** Whether both events are of one table. */
    public boolean isOfTableOf(Event other) {
        int from = extraFrom(1);
        int otherFrom = other.extraFrom(1);
        return from < 0 || otherFrom < 0
                ? from == otherFrom
                : Arrays.equals(raw, from, extraTo(1), other.raw, otherFrom, other.extraTo(1));
    }

    /** The array that holds the bytes of ev_data from {@link #dataFrom()} to {@link #dataTo()}; not to be changed. */
    public byte[] raw() {
        return raw;
    }

    /** Where ev_data starts in {@link #raw()}; -1 where it is NULL. */
    public int dataFrom() {
        return bounds[DATA];
    }

    /** Where ev_data ends in {@link #raw()}, exclusive. */
    public int dataTo() {
        return bounds[DATA + 1];
    }

    /** ev_data as text, null where it is NULL. */
    public String data() {
        return text(DATA);
    }

    /**
     * One of ev_extra1 to ev_extra4 as text, null where it is NULL.
     *
     * @param n 1 to 4
     */
    public String extra(int n) {
        return text(EXTRA + n - 1);
    }

    /** Where extra {@code n} (1 to 4) starts in {@link #raw()}; -1 where it is NULL. */
    public int extraFrom(int n) {
        return bounds[2 * n];
    }

    /** Where extra {@code n} (1 to 4) ends in {@link #raw()}, exclusive. */
    public int extraTo(int n) {
        return bounds[2 * n + 1];
    }

    private String text(int n) {
        int from = bounds[2 * n];
        return from < 0 ? null : new String(raw, from, bounds[2 * n + 1] - from, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "event " + id + " (" + type() + ")";
    }

    /** What a copy of it in another queue consists of. */
    public Pgq.NewEvent copy() {
        return new Pgq.NewEvent(isTypeNull() ? null : type(), data(), extra(1), extra(2), extra(3), extra(4));
    }
}
