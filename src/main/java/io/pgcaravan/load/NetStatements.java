package io.pgcaravan.load;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/** Statements without parameters that are sent together: a round trip for many of them instead of one for each. */
final class NetStatements {

    private static final int TOGETHER = 200;

    private final Connection target;
    private final List<String> statements = new ArrayList<>();
    private final List<LongConsumer> counts = new ArrayList<>();

    NetStatements(Connection target) {
        this.target = target;
    }

    /** @param count gets the number of rows that the statement touched */
    void add(String statement, LongConsumer count) {
        statements.add(statement);
        counts.add(count);
    }

    void add(String statement) {
        add(statement, rows -> {});
    }

    /** Runs what was added, in order. */
    void run() throws SQLException {
        for (int at = 0; at < statements.size(); at += TOGETHER) {
            int end = Math.min(statements.size(), at + TOGETHER);
            try (Statement statement = target.createStatement()) {
                boolean rows = statement.execute(String.join(";\n", statements.subList(at, end)));
                for (int i = at; i < end; i++) {
                    if (i > at) {
                        rows = statement.getMoreResults();
                    }
                    if (!rows) {
                        counts.get(i).accept(Math.max(0, statement.getLargeUpdateCount()));
                    }
                }
            }
        }
        statements.clear();
        counts.clear();
    }
}
