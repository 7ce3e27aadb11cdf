package io.pgcaravan.ship.format;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** Whether a set holds all rows of its table, or the changed ones. */
public enum SetKind {
    FULL,
    CHANGES;

    /** As files and ledgers have it. */
    @JsonValue
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static SetKind of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT));
    }
}
