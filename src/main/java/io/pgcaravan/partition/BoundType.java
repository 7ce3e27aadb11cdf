package io.pgcaravan.partition;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/** The type of the column that places rows, as far as it decides what a bound looks like and what a value means. */
public enum BoundType {
    /** Only the date counts; PostgreSQL drops a value's time and offset. */
    DATE("date"),
    /** PostgreSQL drops a value's offset, so it must not move the row. */
    TIMESTAMP("timestamp"),
    /** An instant; bounds carry the offset of the job's time zone. */
    TIMESTAMPTZ("timestamptz"),
    /** Text and everything else, or no such column: the partition has no bounds that PostgreSQL could check. */
    NONE(null);

    private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss");

    private final String sqlType;

    BoundType(String sqlType) {
        this.sqlType = sqlType;
    }

    /** @param type as {@code regtype} prints it; null for no column */
    public static BoundType of(String type) {
        return switch (String.valueOf(type)) {
            case "date" -> DATE;
            case "timestamp without time zone" -> TIMESTAMP;
            case "timestamp with time zone" -> TIMESTAMPTZ;
            default -> NONE;
        };
    }

    /** The name of the type for a cast; null for {@link #NONE}. */
    public String sqlType() {
        return sqlType;
    }

    /** The text of a bound, for a literal of this type. */
    public String literal(LocalDateTime at, ZoneId zone) {
        return switch (this) {
            case DATE -> at.toLocalDate().toString().replace("+", "");
            case TIMESTAMP -> text(at);
            case TIMESTAMPTZ -> {
                ZonedDateTime instant = at.atZone(zone);
                ZoneOffset offset = instant.getOffset();
                yield text(instant.toLocalDateTime()) + (offset == ZoneOffset.UTC ? "+00:00" : offset.getId());
            }
            case NONE ->
                at.toLocalTime().toSecondOfDay() == 0
                        ? at.toLocalDate().toString().replace("+", "")
                        : text(at);
        };
    }

    private static String text(LocalDateTime at) {
        // Java writes a plus before years of five digits (the upper bound of 9999-12-31)
        return SECONDS.format(at).replace("+", "");
    }
}
