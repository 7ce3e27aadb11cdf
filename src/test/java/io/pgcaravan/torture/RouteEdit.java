package io.pgcaravan.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BinaryOperator;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;

/**
 * What a user may do to a route, at the place of its load step (LOAD).
 *
 * @param appendOnly whether it is right only where rows are appended
 * @param routes further routes, in a file that sorts before the job's
 * @param parameters more of {@code pgq:}
 * @param marks from which mark on rows are left out; 10 for none
 * @param second whether each event's nr goes into the table "second" as well
 * @param said what the log says about a harmful one
 */
record RouteEdit(
        String name,
        Kind kind,
        boolean appendOnly,
        String steps,
        String routes,
        String parameters,
        int marks,
        boolean second,
        String said) {

    enum Kind {
        LEGITIMATE,
        HARMFUL
    }

    /** Fails for some rows, and works when it is tried again. */
    public static final class FailsNowAndThen implements Processor {
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
            if ("7"
                    .equals(String.valueOf(
                            exchange.getMessage().getBody(Map.class).get("mark")))) {
                throw new IllegalStateException("not the seventh");
            }
        }
    }

    private static final String SOME = "\"${body[mark]} == null || ${body[mark]} range '0..6'\"";
    private static final String ROUTE = "- route:\n    id: load\n    from:\n      uri: direct:load\n      steps:\n";
    private static final String SEDA = ROUTE.replace("direct:", "seda:") + "        LOAD\n";
    private static final String DIRECT = ROUTE + "        LOAD\n";
    private static final String FAILS = "- process: {ref: \"#class:io.pgcaravan.torture.RouteEdit$FailsAtSeven\"}\n";

    private static final String CHOICE = """
            - choice:
                when:
                  - expression: {simple: %s}
                    steps:
                      LOAD
            """.formatted(SOME);
    private static final String FILTER = """
            - filter:
                simple: %s
                steps:
                  LOAD
            """.formatted(SOME);

    private static final List<RouteEdit> ROWS = List.of(
            fine("direct", "- to: direct:load\n", DIRECT),
            new RouteEdit(
                    "choice with an otherwise",
                    Kind.LEGITIMATE,
                    false,
                    CHOICE + "    otherwise:\n      steps:\n        - to: leave-out:late\n",
                    "",
                    "",
                    7,
                    false,
                    ""),
            new RouteEdit(
                    "filter with the option",
                    Kind.LEGITIMATE,
                    false,
                    FILTER,
                    "",
                    ", onFiltered: leave-out",
                    7,
                    false,
                    ""),
            new RouteEdit("multicast into two tables", Kind.LEGITIMATE, true, """
                    - multicast:
                        steps:
                          - to: direct:load
                          - to: direct:second
                    """, DIRECT + """
                    - route:
                        id: second
                        from:
                          uri: direct:second
                          steps:
                            - choice:
                                when:
                                  - expression: {simple: "${body[nr]} == null"}
                                    steps:
                                      - to: leave-out:truncate
                                otherwise:
                                  steps:
                                    - to: {uri: "sql:insert into public.second (nr) values (:#nr::bigint)", parameters: {dataSource: "#targetDb", noop: true}}
                                    - to: loaded:public.second
                    """, "", 10, true, ""),
            fine("redelivery that succeeds", """
                    - process: {ref: "#class:io.pgcaravan.torture.RouteEdit$FailsNowAndThen"}
                    LOAD
                    """, "ERRORS"),
            harm("nothing loads", "- log: {loggingLevel: DEBUG, message: x}\n", "", "not loaded into"),
            harm("filter", FILTER, "", "filter["),
            harm("choice without otherwise", CHOICE, "", "choice["),
            harm("direct with doTry", "- to: direct:load\n", ROUTE + """
                            - doTry:
                                steps:
                                  - process: {ref: "#class:io.pgcaravan.torture.RouteEdit$FailsAtSeven"}
                                  LOAD
                                doCatch:
                                  - exception: [java.lang.Exception]
                                    steps:
                                      - log: {loggingLevel: DEBUG, message: x}
                    """, "not the seventh"),
            harm(
                    "direct with a dead letter channel",
                    "- to: direct:load\n",
                    """
                    - errorHandler:
                        deadLetterChannel:
                          deadLetterUri: log:dead?level=DEBUG
                    """ + ROUTE + FAILS.indent(8) + "        LOAD\n",
                    "not the seventh"),
            harm(
                    "wireTap",
                    "- to: direct:hop\n",
                    DIRECT + ROUTE.replace("load", "hop") + "        - wireTap: {uri: \"direct:load\"}\n",
                    "leaves the thread"),
            harm("recipientList to seda", "- recipientList: {constant: \"seda:load\"}\n", SEDA, "batch"),
            harm("aggregate", "- to: direct:load\n", ROUTE + """
                            - aggregate:
                                correlationExpression: {constant: 1}
                                completionSize: 3
                                aggregationStrategy: "#class:org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy"
                                steps:
                                  LOAD
                    """, "aggregate"),
            harm("rollback of some rows", """
                    LOAD
                    - choice:
                        when:
                          - expression: {simple: "${body[mark]} == '7'"}
                            steps:
                              - rollback: {markRollbackOnly: true}
                    """, "", "asked to roll back"),
            harm("idempotentConsumer", """
                    - idempotentConsumer:
                        idempotentRepository: "#class:org.apache.camel.support.processor.idempotent.MemoryIdempotentRepository"
                        expression: {simple: "${body[mark]}"}
                        steps:
                          LOAD
                    """, "", "not loaded"),
            harm("a savepoint around the load step", """
                    - to: {uri: "sql:savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                    LOAD
                    - to: {uri: "sql:rollback to savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                    """, "", "rolled back to a savepoint"),
            harm("another table", "- to: pgcopy:public.second\n", "", "second"),
            harm("the load step twice", "LOAD\nLOAD\n", "", "twice"),
            harm("loop", "- loop:\n    constant: 2\n    steps:\n      LOAD\n", "", "twice"));

    private static final List<RouteEdit> CHUNKS = List.of(
            fine("direct", "- to: direct:load\n", DIRECT),
            fine(
                    "log and header",
                    "- log: {loggingLevel: DEBUG, message: \"${body.size}\"}\n- setHeader: {name: n, constant: 1}\nLOAD\n",
                    ""),
            fine("choice by size", """
                    - choice:
                        when:
                          - expression: {simple: "${body.size} > 3"}
                            steps:
                              LOAD
                        otherwise:
                          steps:
                            LOAD
                    """, ""),
            harm("a chunk is rolled back", "LOAD\n- rollback: {markRollbackOnly: true}\n", "", "roll back"),
            harm("a chunk's route stops", "- stop: {}\nLOAD\n", "", "row"),
            harm("the list is cut", "- setBody: {simple: \"${body.subList(0, 0)}\"}\nLOAD\n", "", "row"),
            harm("chunks to seda", "- toD: \"seda:load\"\n", SEDA, "batch"),
            harm("chunks twice", "LOAD\nLOAD\n", "", "twice"),
            harm(
                    "chunks nowhere",
                    "- filter:\n    simple: \"${body.size} < 0\"\n    steps:\n      LOAD\n",
                    "",
                    "filter["));

    private static RouteEdit fine(String name, String steps, String routes) {
        return new RouteEdit(name, Kind.LEGITIMATE, false, steps, routes, "", 10, false, "");
    }

    private static RouteEdit harm(String name, String steps, String routes, String said) {
        return new RouteEdit(name, Kind.HARMFUL, false, steps, routes, "", 10, false, said);
    }

    static List<RouteEdit> of(boolean rows, Kind kind) {
        return (rows ? ROWS : CHUNKS).stream().filter(edit -> edit.kind == kind).toList();
    }

    boolean leavesOut(long mark) {
        return mark >= marks;
    }

    /** @param route the job's route, made of the steps at the place of its load step, and more parameters of {@code pgq:} */
    Path[] write(Path directory, BinaryOperator<String> route, java.util.function.UnaryOperator<String> load)
            throws IOException {
        boolean redelivers = routes.equals("ERRORS");
        String errors =
                "- errorHandler:\n    defaultErrorHandler:\n      redeliveryPolicy: {maximumRedeliveries: 2, redeliveryDelay: 1}\n";
        Path job = Files.writeString(
                directory.resolve("job.camel.yaml"), (redelivers ? errors : "") + route.apply(steps, parameters));
        return redelivers || routes.isEmpty()
                ? new Path[] {job}
                : new Path[] {Files.writeString(directory.resolve("a.camel.yaml"), load.apply(routes)), job};
    }
}
