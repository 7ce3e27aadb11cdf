package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePropertyKey;
import org.apache.camel.Processor;
import org.apache.camel.model.CircuitBreakerDefinition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No edit of a route makes it commit less than the whole batch, or commit at another time. */
class WholeRouteTest {

    private static final String LOAD = "- to: # rows -> their partitions, by COPY";
    private static final String FAILING = """
            - process:
                id: failing
                ref: "#class:io.pgcaravan.camel.WholeRouteTest$SecondChunkFails"
            """;

    /** A user's step that fails at some of the rows. */
    public static final class SecondChunkFails implements Processor {

        @Override
        public void process(Exchange exchange) {
            if (exchange.getProperty(ExchangePropertyKey.SPLIT_INDEX, Integer.class) == 1) {
                throw new IllegalStateException("not this chunk");
            }
        }
    }

    /** A user's step that fails once. */
    public static final class FailsOnce implements Processor {

        private static final AtomicInteger CALLS = new AtomicInteger();

        @Override
        public void process(Exchange exchange) {
            if (CALLS.incrementAndGet() == 1) {
                throw new IllegalStateException("not this time");
            }
        }
    }

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "- doTry:\n    steps:\n      - log: x\n    doCatch:\n      - exception: [java.lang.Exception]\n        steps:\n          - log: y\n",
                "- to: seda:elsewhere\n",
                "- wireTap:\n    uri: log:x\n",
                "- threads:\n    poolSize: 2\n",
                "- split:\n    simple: \"${body}\"\n    parallelProcessing: true\n    steps:\n      - log: x\n",
                "- multicast:\n    parallelProcessing: true\n    steps:\n      - to: log:x\n",
                "- aggregate:\n    correlationExpression:\n      constant: 1\n    completionSize: 3\n    aggregationStrategy: \"#class:org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy\"\n    steps:\n      - log: x\n",
                "- choice:\n    when:\n      - simple: \"${body.table} == 'a'\"\n        steps:\n          - log: x\n    otherwise:\n      steps:\n        - to: seda:elsewhere\n",
                "- choice:\n    when:\n      - simple: \"${body.table} == 'a'\"\n        steps:\n          - toD: \"seda:${body.table}\"\n",
                "- delay:\n    asyncDelayed: \"true\"\n    constant: 1\n",
                "- delay: {constant: 1}\n",
                "- loadBalance: {failoverLoadBalancer: {}, steps: [{to: \"log:x\"}, {to: \"log:y\"}]}\n"
            })
    void steps_that_hide_failures_or_leave_the_thread_are_refused_at_start(String steps) throws Exception {
        try (Orders orders = new Orders()) {
            Path file = RouteFile.dispatch().before(LOAD, steps).in(directory);
            assertThatThrownBy(() -> new Job(orders, Map.of(), file).close())
                    .hasStackTraceContaining("route \"dispatch\" cannot start")
                    .hasStackTraceContaining("step \"");
        }
    }

    /** Its step needs a library that an application has to bring. */
    @Test
    void a_circuit_breaker_with_a_fallback_is_refused_by_name() {
        CircuitBreakerDefinition breaker = new CircuitBreakerDefinition();
        assertThat(RouteCheck.reason(breaker)).isNull();
        breaker.onFallback();
        assertThat(RouteCheck.reason(breaker)).contains("circuitBreaker with onFallback", "let the step fail");
    }

    @ParameterizedTest
    @ValueSource(strings = {"""
                - onException:
                    exception: [java.lang.Exception]
                    handled:
                      constant: true
                """, """
                - onException:
                    exception: [java.lang.Exception]
                    continued:
                      constant: true
                """, """
                - errorHandler:
                    deadLetterChannel:
                      deadLetterUri: log:dead
                """})
    void a_failure_that_an_error_handler_swallows_is_found_and_nothing_is_committed(String handler) throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .consuming("chunkEvents", 100)
                .before(LOAD, FAILING)
                .before("- route:", handler)
                .in(directory);
        assertNothingIsCommitted(file, "step \"failing\"", "swallowed it");
    }

    @ParameterizedTest
    @ValueSource(strings = {"commit", "end", "rollback", "/* x */ COMMIT", "commit and chain", "begin"})
    void a_commit_smuggled_in_by_an_sql_step_is_refused(String sql) throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .before(
                        LOAD,
                        "- to:\n    id: smuggler\n    uri: \"sql:" + sql
                                + "\"\n    parameters:\n      dataSource: \"#targetDb\"\n      noop: true\n")
                .in(directory);
        assertNothingIsCommitted(file, "smuggler", "transaction");
    }

    @Test
    void a_commit_smuggled_in_by_a_jdbc_step_is_refused() throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .before(LOAD, """
                        - setProperty:
                            name: kept
                            simple: "${body}"
                        - setBody:
                            constant: "select 1; commit"
                        - to:
                            id: smuggler
                            uri: jdbc:targetDb
                        - setBody:
                            simple: "${exchangeProperty.kept}"
                        """)
                .in(directory);
        assertNothingIsCommitted(file, "smuggler", "transaction");
    }

    @Test
    void a_route_that_does_not_read_its_events_commits_nothing() throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .edit("simple: \"${body}\"", "constant: nothing")
                .edit("uri: pgq-decode:logutriga", "uri: log:nothing")
                .edit("                  parameters:\n                    fields: \"{{dispatch.fields}}\"\n", "")
                .edit("uri: pgq-partition:{{dispatch.destTable}}", "uri: log:nothing")
                .edit(
                        "                  parameters:\n                    partField: \"{{dispatch.partField}}\"\n                    period: \"{{dispatch.period}}\"\n",
                        "")
                .edit("uri: pgq-copy:{{dispatch.destTable}}", "uri: log:nothing")
                .edit("                  parameters:\n                    rowMode: \"{{dispatch.rowMode}}\"\n", "")
                .in(directory);
        assertNothingIsCommitted(file, "left the rest");
    }

    @Test
    void a_stop_under_stopOnException_commits_nothing() throws Exception {
        Path file = RouteFile.rows()
                .consuming("exceptionSleep", 500)
                .edit(
                        "simple: \"${body.events}\"\n            streaming: true",
                        "simple: \"${body.events}\"\n            streaming: true\n            stopOnException: true")
                .before("- to: pgq-copy:", """
                        - filter:
                            simple: "${body[id]} == '500'"
                            steps:
                              - stop: {}
                        """)
                .in(directory);
        assertNothingIsCommitted(file, "trying again");
    }

    @Test
    void a_step_that_works_when_repeated_is_all_right() throws Exception {
        Path file = RouteFile.dispatch()
                .before(LOAD, "- process:\n    ref: \"#class:io.pgcaravan.camel.WholeRouteTest$FailsOnce\"\n")
                .before("- route:", """
                        - errorHandler:
                            defaultErrorHandler:
                              redeliveryPolicy:
                                maximumRedeliveries: 2
                                redeliveryDelay: 10
                        """)
                .in(directory);
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, Map.of(), file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 1000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(FailsOnce.CALLS.get()).isEqualTo(2);
            assertThat(log.text()).doesNotContain("not this time");
        }
    }

    private static void assertNothingIsCommitted(Path file, String... said) throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, Map.of(), file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 1000);
            orders.tick();
            log.await("trying again");
            Thread.sleep(700);
            assertThat(log.text()).contains(said);
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isZero();
            assertThat(orders.count(orders.target, "select count(*) from caravan.position where tick > 1"))
                    .isZero();
        }
    }
}
