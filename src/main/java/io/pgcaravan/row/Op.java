package io.pgcaravan.row;

/** What happened to the row. */
public enum Op {
    INSERT("I"),
    UPDATE("U"),
    DELETE("D"),
    /** The whole table was emptied; such an event has no row. */
    TRUNCATE("R"),
    /** A type of the producer's own; append mode takes it as a row. */
    OTHER(null);

    private final String letter;

    Op(String letter) {
        this.letter = letter;
    }

    /** As {@code pgq.logutriga()} writes it; null for {@link #OTHER}. */
    public String letter() {
        return letter;
    }

    static Op of(String letter) {
        for (Op op : values()) {
            if (letter.equals(op.letter)) {
                return op;
            }
        }
        return OTHER;
    }
}
