package io.pgcaravan.status;

import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/** All databases at one look, and where to put what is wrong. */
record Looks(Watch watch, Map<Place, Look> byPlace, Limits limits, Instant now, List<Problem> problems) {

    Collection<Look> looks() {
        return byPlace.values();
    }

    Look at(DataSource known) {
        return byPlace.get(watch.place(known));
    }

    /** The schema of PgQ in a database, as the jobs that read it say; else the usual one. */
    String schema(Look look) {
        return watch.dispatches().stream()
                .filter(dispatch -> at(dispatch.job().source()) == look)
                .map(dispatch -> dispatch.job().schema())
                .findFirst()
                .orElse("pgq");
    }

    void problem(Problem.Kind kind, String subject, String said) {
        Problem problem = new Problem(kind, subject, said.replaceAll("\\s*\\R\\s*", " "));
        // a ledger is read for more than one purpose
        if (!problems.contains(problem)) {
            problems.add(problem);
        }
    }

    void unreadable(String subject, String what, SQLException failure) {
        problem(
                Problem.Kind.UNREADABLE,
                subject,
                what + " cannot be read: " + failure.getMessage()
                        + ("42501".equals(failure.getSQLState())
                                ? "; the role lacks a right (caravan grants --role ... prints what it needs)"
                                : ""));
    }
}
