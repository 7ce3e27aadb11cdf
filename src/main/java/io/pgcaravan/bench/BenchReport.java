package io.pgcaravan.bench;

import io.pgcaravan.sql.Query;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;

/**
 * What a benchmark prints: figures beside their limits and goals.
 *
 * @param quick where too little is measured to say anything about goals
 * @param titleWidth of the lines' titles
 * @param counted what there are so many of a second, with a space behind it; may be empty
 */
record BenchReport(PrintWriter out, boolean quick, int titleWidth, String counted) {

    /** The machine and the server that everything is measured on. */
    void machine(Connection server) throws SQLException {
        say(
                "%s, %d processors, %s; source and target on one server",
                Query.text(server, "select 'PostgreSQL ' || current_setting('server_version')"),
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("java.vm.name") + " " + Runtime.version().feature());
    }

    /** Median, fastest and slowest of some runs, and how many of the counted things went by in a second. */
    void line(String title, Timings runs, long count, String remark) {
        say(
                "  %-" + titleWidth + "s %6.2f (%.2f .. %.2f)  %,9.0f %sa second  %s",
                title,
                runs.median(),
                runs.fastest(),
                runs.slowest(),
                count / runs.median(),
                counted,
                remark);
    }

    /** The median of what psql's seconds are to ours, beside what it has to be at least. */
    String ratio(Timings psql, Timings ours, double least) {
        double median = psql.per(ours).median();
        return goal(
                String.format(Locale.ROOT, "psql/ours %.2f", median),
                median >= least,
                String.format(Locale.ROOT, "%.1f", least));
    }

    /** Without the goal where too little was measured. */
    String goal(String text, boolean met, String goal) {
        return quick ? text : text + " (goal " + goal + ": " + (met ? "met" : "missed") + ")";
    }

    void say(String format, Object... values) {
        out.println(String.format(Locale.ROOT, format, values).stripTrailing());
        out.flush();
    }
}
