package io.pgcaravan.camel;

import java.util.stream.Stream;

/** Moments on the way of a batch at which a process may die; between each two of them something becomes durable or begins to. */
public enum Moment {
    BATCH_OPENED("after", "next_batch_info"),
    LEDGER_LOCKED("after", "for update"),
    ROWS_LOADED("before", "insert into caravan.position"),
    LEDGER_SET("after", "insert into caravan.position"),
    BEFORE_COMMIT("before", "commit"),
    AFTER_COMMIT("after", "commit"),
    BEFORE_FINISH("before", "finish_batch"),
    AFTER_FINISH("after", "finish_batch");

    private final String when;
    private final String what;

    Moment(String when, String what) {
        this.when = when;
        this.what = what;
    }

    public boolean is(String moment) {
        return moment.startsWith(when + " ") && moment.contains(what);
    }

    static Stream<Moment> all() {
        return Stream.of(values());
    }
}
