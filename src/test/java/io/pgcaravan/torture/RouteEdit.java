package io.pgcaravan.torture;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;

/**
 * What a user may do to a route.
 *
 * @param shape rows, chunks or both
 * @param said what the log says about a harmful edit; empty for a legitimate one
 * @param steps in the place of the load step, LOAD
 * @param routes in a file that sorts before the job's
 * @param option what it changes beside: {@code onFiltered}, {@code errors} (redelivery) or {@code second} (a second table)
 * @param marks from which mark on it leaves rows out; 10 for none
 */
record RouteEdit(String shape, String name, String said, String steps, String routes, String option, int marks) {

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

    /** Shape ¦ name ¦ what the log says ¦ steps ¦ a further route from ... ¦ its steps ¦ option ¦ marks. */
    private static final List<RouteEdit> ALL = """
            both ¦ none ¦ ¦ - LOAD
            both ¦ direct ¦ ¦ - to: direct:load ¦ direct:load ¦ {LOAD}
            rows ¦ choice ¦ ¦ - choice: {when: [{SOME}], otherwise: {steps: [{to: pgq-leave-out:late}]}} ¦ ¦ ¦ ¦ 7
            rows ¦ filter with the option ¦ ¦ - filter: {SOME} ¦ ¦ ¦ onFiltered ¦ 7
            rows ¦ redelivery ¦ ¦ - {PROCESS$FailsOnce"}}\\n- LOAD ¦ ¦ ¦ errors
            rows ¦ multicast into two tables ¦ ¦ - multicast: {steps: [{LOAD}, {to: direct:second}]} ¦ direct:second ¦ SECOND ¦ second
            chunks ¦ choice ¦ ¦ - choice: {when: [{simple: "${body.size} > 3", steps: [{LOAD}]}], otherwise: {steps: [{LOAD}]}}
            both ¦ nothing loads ¦ not loaded ¦ - LOG
            both ¦ twice ¦ twice ¦ - LOAD\\n- LOAD
            both ¦ loop ¦ twice ¦ - loop: {constant: 2, steps: [{LOAD}]}
            both ¦ toD ¦ batch ¦ - toD: "seda:load" ¦ seda:load ¦ {LOAD}
            rows ¦ filter ¦ filter[ ¦ - filter: {SOME}
            rows ¦ choice without otherwise ¦ choice[ ¦ - choice: {when: [{SOME}]}
            rows ¦ doTry ¦ not the seventh ¦ - to: direct:load ¦ direct:load ¦ {doTry: {steps: [{PROCESS$FailsAtSeven"}}, {LOAD}], doCatch: [{exception: [java.lang.Exception], steps: [LOG]}]}}
            rows ¦ a dead letter channel ¦ not the seventh ¦ - to: direct:load ¦ direct:load ¦ {PROCESS$FailsAtSeven"}}, {LOAD} ¦ dead
            rows ¦ wireTap ¦ leaves the thread ¦ - wireTap: {uri: "direct:load"} ¦ direct:load ¦ {LOAD}
            rows ¦ recipientList ¦ batch ¦ - recipientList: {constant: "seda:load"} ¦ seda:load ¦ {LOAD}
            rows ¦ aggregate ¦ aggregate ¦ - to: direct:load ¦ direct:load ¦ {aggregate: {correlationExpression: {constant: 1}, completionSize: 3, aggregationStrategy: "#class:org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy", steps: [{LOAD}]}}
            rows ¦ rollback of some rows ¦ asked to roll back ¦ - LOAD\\n- choice: {when: [{simple: "${body[mark]} == '7'", steps: [{rollback: {markRollbackOnly: true}}]}]}
            rows ¦ idempotentConsumer ¦ not loaded ¦ - idempotentConsumer: {idempotentRepository: "#class:org.apache.camel.support.processor.idempotent.MemoryIdempotentRepository", simple: "${body[mark]}", steps: [{LOAD}]}
            rows ¦ a savepoint around the load step ¦ savepoint ¦ - to: {uri: "sql:savepoint a", NO_OP}\\n- LOAD\\n- to: {uri: "sql:rollback to savepoint a", NO_OP}
            rows ¦ another table ¦ second ¦ - to: pgq-copy:public.second
            chunks ¦ a chunk is rolled back ¦ roll back ¦ - LOAD\\n- rollback: {markRollbackOnly: true}
            chunks ¦ a chunk stops ¦ not loaded ¦ - stop: {}\\n- LOAD
            chunks ¦ the list is cut ¦ not loaded ¦ - setBody: {simple: "${body.subList(0, 0)}"}\\n- LOAD
            chunks ¦ filter ¦ filter[ ¦ - filter: {simple: "${body.size} < 0", steps: [{LOAD}]}
            """.replace(
                    "SECOND",
                    "{choice: {when: [{simple: \"${body[nr]} == null\", steps: [{to: pgq-leave-out:truncate}]}], otherwise: {steps:"
                            + " [{to: {uri: \"sql:insert into public.second values (:#nr::bigint)\", NO_OP}}, {to: pgq-loaded:public.second}]}}}")
            .replace("SOME", "simple: \"${body[mark]} == null || ${body[mark]} range '0..6'\", steps: [{LOAD}]")
            .replace("PROCESS", "process: {ref: \"#class:io.pgcaravan.torture.RouteEdit")
            .replace("LOG", "{log: {loggingLevel: DEBUG, message: x}}")
            .replace("NO_OP", "parameters: {dataSource: \"#targetDb\", noop: true}")
            .lines()
            .map(line -> of((line + " ¦ ¦ ¦ ¦ ¦").split(" *¦ *", -1)))
            .toList();

    private static RouteEdit of(String[] cell) {
        String errors =
                cell[6].equals("dead") ? "errorHandler: {deadLetterChannel: {deadLetterUri: \"log:dead\"}}, " : "";
        String route = cell[4].isEmpty()
                ? ""
                : "- route: {" + errors + "from: {uri: \"" + cell[4] + "\", steps: [" + cell[5] + "]}}\n";
        return new RouteEdit(
                cell[0],
                cell[1],
                cell[2],
                cell[3].replace("\\n", "\n") + "\n",
                route,
                cell[6],
                cell[7].isEmpty() ? 10 : Integer.parseInt(cell[7]));
    }

    static RouteEdit[] of(String shape, boolean harmful) {
        return ALL.stream()
                .filter(edit -> List.of("both", shape).contains(edit.shape) && harmful != edit.said.isEmpty())
                .toArray(RouteEdit[]::new);
    }
}
