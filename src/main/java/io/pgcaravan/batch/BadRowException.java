package io.pgcaravan.batch;

/**
 * A row that can never be loaded as it is: data that cannot be decoded, a date outside the allowed window, a value the
 * target's constraints refuse. Everything else that goes wrong concerns the whole batch and is not this.
 */
public class BadRowException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient Event event;
    private final String sqlState;

    /**
     * @param event the event at fault, null where only a range of events is known to hold it
     * @param reason what is wrong, without the event's id
     */
    public BadRowException(Event event, String reason) {
        this(event, reason, null, null);
    }

    /** @param sqlState the target's SQLSTATE, null where our own code found the fault */
    public BadRowException(Event event, String reason, String sqlState, Throwable cause) {
        super(event == null ? reason : event + ": " + reason, cause);
        this.event = event;
        this.sqlState = sqlState;
    }

    /** The event at fault, or null where it is not known yet. */
    public Event event() {
        return event;
    }

    /** The target's SQLSTATE, or null. */
    public String sqlState() {
        return sqlState;
    }

    /**
     * Whether a SQLSTATE blames a row: classes 22 (data), 23 (integrity), 44 (view check) and P0001 (raised by a
     * trigger).
     */
    public static boolean isBadRow(String sqlState) {
        return sqlState != null
                && (sqlState.startsWith("22")
                        || sqlState.startsWith("23")
                        || sqlState.startsWith("44")
                        || sqlState.equals("P0001"));
    }
}
