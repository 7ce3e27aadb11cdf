package io.pgcaravan.torture;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;

/**
 * What a user may do to a route.
 *
 * @param said what the log says about a harmful edit; null for a legitimate one
 * @param steps in the place of the load step, LOAD
 * @param routes in a file that sorts before the job's
 * @param option what it changes beside: {@code onFiltered}, {@code errors} (a route's own error handler) or {@code second} (a second table)
 * @param marks from which mark on it leaves rows out; 10 for none
 */
record RouteEdit(String name, String said, String steps, String routes, String option, int marks) {

    /** Fails now and then, and works when it is tried again. */
    public static final class FailsOnce implements Processor {
        private static final AtomicInteger CALLS = new AtomicInteger();

        @Override
        public void process(Exchange exchange) {
            if (CALLS.incrementAndGet() % 13 == 0) {
                throw new IllegalStateException("not this time");
            }
        }
    }

    /** Fails for rows of mark 7. */
    public static final class FailsAtSeven implements Processor {
        @Override
        public void process(Exchange exchange) {
            Object mark = exchange.getMessage().getBody(Map.class).get("mark");
            if ("7".equals(String.valueOf(mark))) {
                throw new IllegalStateException("not the seventh");
            }
        }
    }

    private static final String SOME =
            "simple: \"${body[mark]} == null || ${body[mark]} range '0..6'\", steps: [{LOAD}]";
    private static final String FAILS = "{process: {ref: \"#class:io.pgcaravan.torture.RouteEdit$FailsAtSeven\"}}";
    private static final String LOG = "{log: {loggingLevel: DEBUG, message: x}}";
    private static final String NO_OP = "parameters: {dataSource: \"#targetDb\", noop: true}";
    private static final String TWICE = "- LOAD\n- LOAD\n";
    private static final String LOOP = "- loop: {constant: 2, steps: [{LOAD}]}\n";
    private static final String SECOND =
            "{to: {uri: \"sql:insert into public.second values (:#nr::bigint)\", " + NO_OP + "}}";

    private static final List<RouteEdit> ROWS = List.of(
            fine("none", "- LOAD\n", "", "", 10),
            fine("direct", "- to: direct:load\n", route("direct:load", "{LOAD}"), "", 10),
            fine(
                    "choice",
                    "- choice: {when: [{" + SOME + "}], otherwise: {steps: [{to: leave-out:late}]}}\n",
                    "",
                    "",
                    7),
            fine("filter with the option", "- filter: {" + SOME + "}\n", "", "onFiltered", 7),
            fine(
                    "multicast into two tables",
                    "- multicast: {steps: [{to: direct:load}, {to: direct:second}]}\n",
                    route("direct:load", "{LOAD}")
                            + route(
                                    "direct:second",
                                    "{choice: {when: [{simple: \"${body[nr]} == null\", steps: [{to: leave-out:truncate}]}],"
                                            + " otherwise: {steps: [" + SECOND + ", {to: loaded:public.second}]}}}"),
                    "second",
                    10),
            fine("redelivery", "- " + FAILS.replace("AtSeven", "Once") + "\n- LOAD\n", "", "errors", 10),
            harm("nothing loads", "not loaded", "- " + LOG + "\n"),
            harm("filter", "filter[", "- filter: {" + SOME + "}\n"),
            harm("choice", "choice[", "- choice: {when: [{" + SOME + "}]}\n"),
            harm(
                    "doTry",
                    "not the seventh",
                    "{doTry: {steps: [" + FAILS + ", {LOAD}], doCatch: [{exception: [java.lang.Exception], steps: ["
                            + LOG + "]}]}}",
                    "direct:load"),
            harm("a dead letter channel", "not the seventh", FAILS + ", {LOAD}", "direct:load dead"),
            harm("wireTap", "leaves the thread", "- wireTap: {uri: \"direct:load\"}\n", "{LOAD}", "direct:load"),
            harm("recipientList", "batch", "- recipientList: {constant: \"seda:load\"}\n", "{LOAD}", "seda:load"),
            harm(
                    "aggregate",
                    "aggregate",
                    "{aggregate: {correlationExpression: {constant: 1}, completionSize: 3, aggregationStrategy:"
                            + " \"#class:org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy\", steps: [{LOAD}]}}",
                    "direct:load"),
            harm(
                    "rollback of some rows",
                    "asked to roll back",
                    "- LOAD\n- choice: {when: [{simple: \"${body[mark]} == '7'\", steps: [{rollback: {markRollbackOnly: true}}]}]}\n"),
            harm(
                    "idempotentConsumer",
                    "not loaded",
                    "- idempotentConsumer: {idempotentRepository: \"#class:org.apache.camel.support.processor.idempotent."
                            + "MemoryIdempotentRepository\", simple: \"${body[mark]}\", steps: [{LOAD}]}\n"),
            harm(
                    "a savepoint around the load step",
                    "rolled back to a savepoint",
                    "- to: {uri: \"sql:savepoint a\", " + NO_OP
                            + "}\n- LOAD\n- to: {uri: \"sql:rollback to savepoint a\", " + NO_OP + "}\n"),
            harm("another table", "second", "- to: pgcopy:public.second\n"),
            harm("twice", "twice", TWICE),
            harm("loop", "twice", LOOP));

    private static final List<RouteEdit> CHUNKS = List.of(
            fine("none", "- LOAD\n", "", "", 10),
            fine("direct", "- to: direct:load\n", route("direct:load", "{LOAD}"), "", 10),
            fine(
                    "choice",
                    "- choice: {when: [{simple: \"${body.size} > 3\", steps: [{LOAD}]}], otherwise: {steps: [{LOAD}]}}\n",
                    "",
                    "",
                    10),
            harm("nothing loads", "not loaded", "- " + LOG + "\n"),
            harm("a chunk is rolled back", "roll back", "- LOAD\n- rollback: {markRollbackOnly: true}\n"),
            harm("a chunk stops", "not loaded", "- stop: {}\n- LOAD\n"),
            harm("the list is cut", "not loaded", "- setBody: {simple: \"${body.subList(0, 0)}\"}\n- LOAD\n"),
            harm("toD", "batch", "- toD: \"seda:load\"\n", "{LOAD}", "seda:load"),
            harm("filter", "filter[", "- filter: {simple: \"${body.size} < 0\", steps: [{LOAD}]}\n"),
            harm("twice", "twice", TWICE),
            harm("loop", "twice", LOOP));

    private static String route(String from, String steps) {
        String dead =
                from.endsWith(" dead") ? "errorHandler: {deadLetterChannel: {deadLetterUri: \"log:dead\"}}, " : "";
        String uri = from.replace(" dead", "");
        return "- route: {id: \"" + uri + "\", " + dead + "from: {uri: \"" + uri + "\", steps: [" + steps + "]}}\n";
    }

    private static RouteEdit fine(String name, String steps, String routes, String option, int marks) {
        return new RouteEdit(name, null, steps, routes, option, marks);
    }

    private static RouteEdit harm(String name, String said, String steps) {
        return new RouteEdit(name, said, steps, "", "", 10);
    }

    private static RouteEdit harm(String name, String said, String behind, String from) {
        return harm(name, said, "- to: direct:load\n", behind, from);
    }

    private static RouteEdit harm(String name, String said, String steps, String behind, String from) {
        return new RouteEdit(name, said, steps, route(from, behind), "", 10);
    }

    static RouteEdit[] of(boolean rows, boolean harmful) {
        return (rows ? ROWS : CHUNKS)
                .stream().filter(edit -> harmful == (edit.said != null)).toArray(RouteEdit[]::new);
    }
}
