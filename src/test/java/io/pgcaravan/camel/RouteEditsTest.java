package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** No edit of a route loses or doubles a row in silence: the batch fails and says why, or the account shows what was meant. */
class RouteEditsTest {

    private static final String LOAD = "- to: pgq-copy:{{dispatch-rows.destTable}}\n";
    private static final String LOAD_ROUTE = """
            - route:
                id: load
                from:
                  uri: direct:load
                  steps:
                    - to: pgq-copy:public.orders
            """;
    private static final String SEDA_ROUTE = LOAD_ROUTE.replace("direct:load", "seda:load");

    /** Fails for one row, by its id. */
    public static final class FailsAtSeven implements Processor {
        @Override
        public void process(Exchange exchange) {
            if (exchange.getMessage().getBody(Map.class).get("id").equals("7")) {
                throw new IllegalStateException("not the seventh");
            }
        }
    }

    /** Fails once, behind the load step. */
    public static final class FailsOnce implements Processor {

        static final AtomicInteger CALLS = new AtomicInteger();

        @Override
        public void process(Exchange exchange) {
            if (CALLS.incrementAndGet() == 1) {
                throw new IllegalStateException("not this time");
            }
        }
    }

    /** Wants the seventh row rolled back. */
    public static final class RollsBackSeven implements Processor {
        @Override
        public void process(Exchange exchange) {
            exchange.setRollbackOnly(
                    "7".equals(exchange.getMessage().getBody(Map.class).get("id")));
        }
    }

    @TempDir
    Path directory;

    private static final String FAILS =
            "- process: {id: fails, ref: \"#class:io.pgcaravan.camel.RouteEditsTest$FailsAtSeven\"}\n";

    static Stream<Arguments> harmful() {
        String route = """
                - route:
                    id: load
                    from:
                      uri: direct:load
                      steps:
                """;
        String load = "        - to: pgq-copy:public.orders\n";
        return Stream.of(
                edit(
                        "nothing loads",
                        "- log: {loggingLevel: DEBUG, message: x}\n",
                        "",
                        "not loaded into public.orders",
                        "log["),
                edit("filter", """
                        - filter:
                            simple: "${body[id]} != '7'"
                            steps:
                              - to: pgq-copy:public.orders
                        """, "", "1 row of", "event 7 (I:id)", "filter["),
                edit("choice without otherwise", """
                        - choice:
                            when:
                              - simple: "${body[id]} != '7'"
                                steps:
                                  - to: pgq-copy:public.orders
                        """, "", "1 row of", "choice["),
                edit(
                        "another table",
                        "- to: pgq-copy:public.elsewhere?onUnknownColumn=ignore\n",
                        "",
                        "not loaded into public.orders"),
                edit("direct with doTry", "- to: direct:load\n", route + """
                                - doTry:
                                    steps:
                                      - process: {ref: "#class:io.pgcaravan.camel.RouteEditsTest$FailsAtSeven"}
                                      - to: pgq-copy:public.orders
                                    doCatch:
                                      - exception: [java.lang.Exception]
                                        steps:
                                          - log: {loggingLevel: DEBUG, message: x}
                        """, "not the seventh"),
                edit(
                        "direct with onException",
                        "- to: direct:load\n",
                        """
                        - onException:
                            exception: [java.lang.Exception]
                            handled: {constant: "true"}
                        """ + route + FAILS.indent(8) + load,
                        "\"fails\"",
                        "not the seventh"),
                edit(
                        "direct with a dead letter channel",
                        "- to: direct:load\n",
                        """
                        - errorHandler:
                            deadLetterChannel:
                              deadLetterUri: log:dead?level=DEBUG
                        """ + route + FAILS.indent(8) + load,
                        "not the seventh"),
                edit(
                        "a handler whose step has the failing one's name",
                        "- to: direct:load\n",
                        """
                        - onException:
                            exception: [java.lang.Exception]
                            continued: {constant: "true"}
                            steps:
                              - setHeader: {name: note, constant: x}
                        """ + route + "        - setHeader: {name: note, simple: \"${body.noSuchMethod()}\"}\n" + load,
                        "swallowed"),
                edit("direct with aggregate", "- to: direct:load\n", route + """
                                - aggregate:
                                    correlationExpression: {constant: 1}
                                    completionSize: 3
                                    aggregationStrategy: "#class:org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy"
                                    steps:
                                      - to: pgq-copy:public.orders
                        """, "aggregate"),
                edit(
                        "direct to seda",
                        "- to: direct:load\n",
                        SEDA_ROUTE.replace("id: load", "id: away") + route + "        - to: seda:load\n",
                        "leaves the thread"),
                edit(
                        "wireTap",
                        "- to: direct:hop\n",
                        LOAD_ROUTE + route.replace("load", "hop") + "        - wireTap: {uri: \"direct:load\"}\n",
                        "leaves the thread"),
                edit("resequence", "- to: direct:load\n", route + """
                                - resequence:
                                    simple: "${body[id]}"
                                    steps:
                                      - to: pgq-copy:public.orders
                        """, "leaves the thread"),
                edit("recipientList to seda", "- recipientList: {constant: \"seda:load\"}\n", SEDA_ROUTE, LEFT),
                edit(
                        "recipientList to one that works and one that does not",
                        "- recipientList: {constant: \"direct:load,seda:load\"}\n",
                        LOAD_ROUTE + SEDA_ROUTE.replace("id: load", "id: away"),
                        "recipientList"),
                edit("routingSlip to seda", "- routingSlip: {constant: \"seda:load\"}\n", SEDA_ROUTE, LEFT),
                edit(
                        "routingSlip to nowhere",
                        "- routingSlip: {constant: \"nowhere:load\", ignoreInvalidEndpoints: true}\n",
                        "",
                        "50 rows of"),
                edit("toD", """
                        - setHeader: {name: w, constant: seda}
                        - toD: "${header.w}:load"
                        """, SEDA_ROUTE, LEFT),
                edit("a placeholder", "- to: \"{{where:seda}}:load\"\n", SEDA_ROUTE, LEFT),
                edit("enrich", "- enrich: {constant: \"seda:load\"}\n", SEDA_ROUTE, LEFT),
                edit("rollback of some rows", """
                        - to: pgq-copy:public.orders
                        - choice:
                            when:
                              - simple: "${body[id]} == '7'"
                                steps:
                                  - rollback: {markRollbackOnly: true}
                        """, "", "asked to roll back"),
                edit("markRollbackOnlyLast", """
                        - to: pgq-copy:public.orders
                        - choice:
                            when:
                              - simple: "${body[id]} == '7'"
                                steps:
                                  - rollback: {markRollbackOnlyLast: true}
                        """, "", "asked to roll back"),
                edit("a bean that rolls back", """
                        - to: pgq-copy:public.orders
                        - process: {ref: "#class:io.pgcaravan.camel.RouteEditsTest$RollsBackSeven"}
                        """, "", "asked to roll back"),
                edit("a savepoint around the load step", """
                        - to: {uri: "sql:savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: pgq-copy:public.orders
                        - to: {uri: "sql:rollback to savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                        """, "", "rolled back to a savepoint"),
                edit("idempotentConsumer", """
                        - idempotentConsumer:
                            idempotentRepository: "#class:org.apache.camel.support.processor.idempotent.MemoryIdempotentRepository"
                            simple: "${body[status]}"
                            steps:
                              - to: pgq-copy:public.orders
                        """, "", "not loaded"),
                edit(
                        "the load step twice",
                        "- to: pgq-copy:public.orders\n- to: pgq-copy:public.orders\n",
                        "",
                        "twice"),
                edit("loop", "- loop: {constant: 2, steps: [{to: \"pgq-copy:public.orders\"}]}\n", "", "twice"),
                edit(
                        "redelivery of a route whose load step has worked",
                        """
                        - errorHandler:
                            defaultErrorHandler:
                              redeliveryPolicy: {maximumRedeliveries: 2, redeliveryDelay: 10}
                        - to: direct:load
                        """,
                        "- errorHandler: {noErrorHandler: {}}\n" + route + load
                                + "        - process: {ref: \"#class:io.pgcaravan.camel.RouteEditsTest$FailsOnce\"}\n",
                        "not this time"),
                edit("a multicast of which one branch loads nothing", """
                        - multicast:
                            steps:
                              - to: direct:load
                              - to: log:x
                        """, LOAD_ROUTE, "in branch \"log:x\""),
                edit("a split of the row of which one part is lost", """
                        - setProperty: {name: row, simple: "${body}"}
                        - split:
                            constant: "1,2"
                            steps:
                              - filter:
                                  simple: "${body} == '1'"
                                  steps:
                                    - setBody: {simple: "${exchangeProperty.row}"}
                                    - to: pgq-copy:public.orders
                        """, "", "a part of event"),
                edit(
                        "recipientList with a strategy",
                        "- to: direct:hop\n",
                        LOAD_ROUTE + route.replace("load", "hop") + """
                                        - recipientList:
                                            constant: "direct:load,log:x"
                                            aggregationStrategy: "#class:org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy"
                                """,
                        "recipientList"),
                edit("a savepoint around a load step that stages rows", """
                        - to: {uri: "sql:savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: {uri: "pgq-copy:public.orders", parameters: {rowMode: plain}}
                        - to: {uri: "sql:rollback to savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                        """, "", "rolled back to a savepoint"),
                edit("an older savepoint", """
                        - to: {uri: "sql:savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: pgq-copy:public.orders
                        - to: {uri: "sql:savepoint b", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: {uri: "sql:rollback to savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                        """, "", "rolled back to a savepoint"),
                edit("an insert that a savepoint took back", """
                        - to: {uri: "sql:savepoint a", parameters: {dataSource: "#targetDb", noop: true}}
                        """ + INSERT + """
                        - to: {uri: "sql:rollback to a", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: pgq-loaded:public.orders
                        """, "", "no statement has written"),
                edit(
                        "two branches into one table",
                        "- multicast: {steps: [{to: direct:load}, {to: pgq-copy:public.orders}]}\n",
                        LOAD_ROUTE,
                        "twice"),
                edit("a topic of which one branch loads nothing", """
                        - loadBalance: {topicLoadBalancer: {}, steps: [{to: pgq-copy:public.orders}, {to: "log:x"}]}
                        """, "", "in branch \"log:x\""),
                edit("left out and loaded afterwards", """
                        - filter: {simple: "${body[id]} == '7'", steps: [{to: pgq-leave-out:secret}]}
                        - to: pgq-copy:public.orders
                        """, "", "event 7 (I:id)", "was left out (secret)"),
                edit(
                        "decoded rows into a queue",
                        "- to: pgq-copy:public.orders\n- to: {uri: pgq:copy, parameters: {source: \"#targetDb\"}}\n",
                        "",
                        "takes an event or a list of events"),
                edit(
                        "sql on another data source",
                        INSERT.replace("#targetDb", "#sourceDb") + "- to: pgq-loaded:public.orders\n",
                        "",
                        "no statement has written"),
                edit("sql without a declaration", INSERT, "", "50 rows of"),
                edit(
                        "loaded behind an insert into another table",
                        INSERT + "- to: pgq-loaded:public.orders\n",
                        "",
                        "no statement has written to table public.orders"),
                edit(
                        "loaded behind the insert of the row before",
                        """
                        - choice:
                            when:
                              - simple: "${body[id]} == '6'"
                                steps:
                                  - to: {uri: "sql:insert into orders_x values (1)", parameters: {dataSource: "#targetDb", noop: true}}
                                  - to: pgq-copy:public.orders
                            otherwise:
                              steps:
                                - filter: {simple: "${body[id]} != '7'", steps: [{to: pgq-copy:public.orders}]}
                                - filter: {simple: "${body[id]} == '7'", steps: [{to: pgq-loaded:public.orders}]}
                        """,
                        "",
                        "event 7 (I:id)",
                        "no statement has written to table public.orders"),
                edit("any statement, where none ran", """
                        - to: {uri: "pgq-loaded:public.orders", parameters: {rows: any}}
                        """, "", "no statement has written to table public.orders"),
                edit(
                        "failover in another route",
                        "- to: direct:load\n",
                        route + """
                                - loadBalance:
                                    failoverLoadBalancer: {}
                                    steps: [{to: "pgq-copy:public.orders"}, {to: "log:x"}]
                        """,
                        "failover load balancer",
                        "let it fail"));
    }

    /** Seen on the other thread or here, whichever is first. */
    private static final String LEFT = "batch 1";

    private static final String INSERT =
            "- to: {uri: \"sql:insert into elsewhere (id) values (:#id::bigint)\", parameters: {dataSource: \"#targetDb\", noop: true}}\n";

    /** An edit of dispatch-rows: what stands in the place of the load step, what stands around, and what the error says. */
    private static Arguments edit(String name, String steps, String routes, String... said) {
        return Arguments.of(name, steps, routes, said);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void harmful(String name, String steps, String routes, String[] said) throws Exception {
        // what handles errors stands in front of the routes of its file
        int handler = steps.startsWith("- errorHandler") ? steps.lastIndexOf("- to:") : 0;
        Path job = RouteFile.rows()
                .consuming("exceptionSleep", 500)
                .before(LOAD, steps.substring(handler))
                .edit("              " + LOAD, "")
                .before("- route:", steps.substring(0, handler))
                .in(directory);
        // a file that sorts before the job's, so that its routes are built before the first pgq: endpoint is made
        Path first = Files.writeString(directory.resolve("a.camel.yaml"), routes);
        FailsOnce.CALLS.set(0);
        Path[] files = routes.isEmpty() ? new Path[] {job} : new Path[] {first, job};
        assertNothingIsCommitted(Map.of(), said, files);
    }

    static Stream<Arguments> harmfulToChunks() {
        String load = "- to: # rows -> their partitions, by COPY";
        return Stream.of(
                Arguments.of("the batch is split twice", "- split: # chunks", """
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - log: {loggingLevel: DEBUG, message: "${body.size}"}
                        """, "not loaded"),
                Arguments.of("the batch goes into a multicast", "- split: # chunks", """
                        - multicast:
                            steps:
                              - log: {loggingLevel: DEBUG, message: "${body}"}
                        """, "read only once"),
                Arguments.of("a chunk is rolled back", load, "- rollback: {markRollbackOnly: true}\n", "roll back"),
                Arguments.of("a chunk's route stops", load, "- stop: {}\n", "50 rows of"),
                Arguments.of(
                        "rows in another order",
                        load,
                        "- setBody: {simple: \"${bean:type:io.pgcaravan.camel.RouteEditsTest?method=reversed}\"}\n",
                        "event 49 (I:id) came after event 50 (I:id)"),
                Arguments.of("the list is cut", load, "- setBody: {simple: \"${body.subList(0, 49)}\"}\n", "1 row of"),
                Arguments.of(
                        "rows that are not the batch's",
                        load,
                        "- setBody: {simple: \"${bean:type:io.pgcaravan.camel.RouteEditsTest?method=strangers}\"}\n",
                        "takes a row or a list of rows"));
    }

    public static java.util.List<?> reversed(java.util.List<?> rows) {
        java.util.List<?> reversed = new java.util.ArrayList<>(rows);
        java.util.Collections.reverse(reversed);
        return reversed;
    }

    public static java.util.List<Map<String, String>> strangers() {
        return java.util.List.of(Map.of("id", "1"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void harmfulToChunks(String name, String before, String steps, String said) throws Exception {
        Path job = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .before(before, steps)
                .in(directory);
        assertNothingIsCommitted(Map.of(), new String[] {said}, job);
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.ValueSource(booleans = {false, true})
    void a_route_that_is_started_late_is_accounted_for_as_well(boolean controlled) throws Exception {
        Path job = RouteFile.rows()
                .consuming("exceptionSleep", 500)
                .edit("autoStartup: \"{{dispatch-rows.enabled}}\"", "autoStartup: " + controlled)
                .edit(LOAD, "- to: seda:load\n")
                .in(directory);
        Path load = Files.writeString(directory.resolve("z.camel.yaml"), SEDA_ROUTE);
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job running = new Job(
                        orders, controlled ? Map.of("camel.routeController.enabled", "true") : Map.of(), job, load)) {
            CamelContext context = running.context();
            if (!controlled) {
                context.createProducerTemplate()
                        .sendBody("controlbus:route?routeId=dispatch-rows&action=start&async=false", null);
            }
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                boolean refused = context.getRouteController().getRouteStatus("dispatch-rows") == null
                        || !context.getRouteController()
                                .getRouteStatus("dispatch-rows")
                                .isStarted();
                boolean registered = orders.count(orders.source, "select count(*) from pgq.subscription") == 1;
                return refused && controlled || registered;
            });
            orders.insert(1, 50);
            orders.tick();
            if (orders.count(orders.source, "select count(*) from pgq.subscription") == 1) {
                log.await("trying again");
                assertThat(log.text()).contains("leaves the thread");
            }
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isZero();
        }
    }

    static Stream<Arguments> legitimate() {
        String even = "${body[id]} range '1..25'";
        return Stream.of(
                Arguments.of(
                        "choice with an otherwise",
                        "fail",
                        """
                        - choice:
                            when:
                              - simple: "%s"
                                steps:
                                  - to: pgq-copy:public.orders
                            otherwise:
                              steps:
                                - to: pgq-leave-out:late
                        """.formatted(even),
                        25,
                        Map.of("loaded into public.orders", 25, "left out: late", 25)),
                Arguments.of(
                        "filter with the option",
                        "leave-out",
                        """
                        - filter:
                            id: early
                            simple: "%s"
                            steps:
                              - to: pgq-copy:public.orders
                        """.formatted(even),
                        25,
                        Map.of("loaded into public.orders", 25, "left out: early", 25)),
                Arguments.of(
                        "multicast into two tables",
                        "fail",
                        """
                        - multicast:
                            steps:
                              - to: pgq-copy:public.orders
                              - to: direct:seen
                        """,
                        50,
                        Map.of("loaded into public.orders", 50, "loaded into public.seen", 50)),
                Arguments.of(
                        "two tables, one of them partitioned",
                        "fail",
                        "- to: pgq-copy:public.orders\n- to: pgq-copy:public.plain\n",
                        50,
                        Map.of("loaded into public.orders", 50, "loaded into public.plain", 50)),
                Arguments.of(
                        "filter with the option in one branch",
                        "leave-out",
                        """
                        - multicast:
                            steps:
                              - filter:
                                  id: early
                                  simple: "%s"
                                  steps:
                                    - to: pgq-copy:public.plain
                              - to: pgq-copy:public.orders
                        - log: {loggingLevel: DEBUG, message: x}
                        """.formatted(even),
                        50,
                        Map.of("loaded into public.orders", 50, "loaded into public.plain", 25, "left out: early", 25)),
                Arguments.of(
                        "parts of a row in branches and one after the other",
                        "fail",
                        """
                        - multicast:
                            steps:
                              - split: {constant: "1,2", steps: [{to: direct:part}]}
                              - split: {constant: "3,4", steps: [{to: direct:part}]}
                              - pipeline:
                                  steps:
                                    - setProperty: {name: row, simple: "${body}"}
                                    - split: {constant: "5", steps: [{to: direct:part}]}
                                    - split: {constant: "6", steps: [{to: direct:part}]}
                                    - to: pgq-copy:public.orders
                        """,
                        50,
                        Map.of("loaded into public.orders", 50, "loaded into public.seen", 300)),
                Arguments.of(
                        "sql that returns its rows",
                        "fail",
                        """
                        - to: pgq-copy:public.orders
                        - to: {uri: "sql:insert into seen values (:#id::int) returning id", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: pgq-loaded:public.seen
                        """,
                        50,
                        Map.of("loaded into public.orders", 50, "loaded into public.seen", 50)),
                Arguments.of("enrich", "fail", """
                        - enrich:
                            constant: direct:lookup
                            aggregationStrategy: "#class:org.apache.camel.processor.aggregate.UseOriginalAggregationStrategy"
                        - to: pgq-copy:public.orders
                        """, 50, Map.of("loaded into public.orders", 50)),
                Arguments.of("a map of its own", "fail", """
                        - setBody: {simple: "${bean:type:io.pgcaravan.camel.RouteEditsTest?method=copy}"}
                        - to: pgq-copy:public.orders
                        """, 50, Map.of("loaded into public.orders", 50)),
                Arguments.of(
                        "parts of a row",
                        "fail",
                        """
                        - setProperty: {name: row, simple: "${body}"}
                        - to: pgq-copy:public.orders
                        - split:
                            constant: "1,2"
                            steps:
                              - toD: "sql:insert into seen values (${body}::int)?dataSource=#targetDb&noop=true"
                              - to: pgq-loaded:public.seen
                        """,
                        50,
                        Map.of("loaded into public.orders", 50, "loaded into public.seen", 100)),
                Arguments.of(
                        "a function that writes",
                        "fail",
                        """
                        - to: {uri: "sql:select note_seen(:#id::int)", parameters: {dataSource: "#targetDb", outputHeader: none}}
                        - to: {uri: "pgq-loaded:public.seen", parameters: {rows: any}}
                        - to: pgq-copy:public.orders
                        """,
                        50,
                        Map.of("loaded into public.orders", 50, "loaded into public.seen", 50)),
                Arguments.of("sql with a declaration", "fail", """
                        - toD: "sql:insert into ${exchangeProperty.CaravanPartition} (id, created_at, status) values (:#id::bigint, :#created_at::timestamp, 'x') on conflict do nothing?dataSource=#targetDb&noop=true"
                        - to: pgq-loaded:public.orders
                        """, 50, Map.of("loaded into public.orders", 50)));
    }

    public static Map<String, Object> copy(Map<String, Object> row) {
        return new java.util.LinkedHashMap<>(row);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void legitimate(String name, String onFiltered, String steps, int rows, Map<String, Integer> account)
            throws Exception {
        Path job = RouteFile.rows()
                .consuming("onFiltered", onFiltered)
                .before(LOAD, steps)
                .edit("              " + LOAD, "")
                .in(directory);
        Path first = Files.writeString(directory.resolve("a.camel.yaml"), """
                - route:
                    id: seen
                    from:
                      uri: direct:seen
                      steps:
                        - setBody: {simple: "${bean:type:io.pgcaravan.camel.RouteEditsTest?method=seen}"}
                        - to: {uri: "sql:insert into seen values (:#id::int)", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: pgq-loaded:public.seen
                - route:
                    id: part
                    from:
                      uri: direct:part
                      steps:
                        - toD: "sql:insert into seen values (${body}::int)?dataSource=#targetDb&noop=true"
                        - to: pgq-loaded:public.seen
                - route:
                    id: lookup
                    from:
                      uri: direct:lookup
                      steps:
                        - to: {uri: "sql:select 1", parameters: {dataSource: "#targetDb"}}
                """);
        try (Orders orders = new Orders();
                Job running = new Job(orders, Map.of(), first, job)) {
            orders.target(
                    "create table seen (id int)",
                    "create table plain (like orders)",
                    "create function note_seen(int) returns void language sql as 'insert into seen values ($1)'");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 50);
            orders.tick();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> orders.count(
                                    orders.target, "select count(*) from caravan.position where account is not null")
                            == 1);
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isEqualTo(rows);
            assertThat(orders.column(
                            orders.target,
                            "select key || ' ' || value from caravan.position, jsonb_each_text(account) order by 1"))
                    .containsExactlyInAnyOrderElementsOf(account.entrySet().stream()
                            .map(entry -> entry.getKey() + " " + entry.getValue())
                            .toList());
        }
    }

    static Stream<Arguments> hiddenByAFilter() {
        return Stream.of(Arguments.of(true, """
                        - multicast:
                            steps:
                              - log: {loggingLevel: DEBUG, message: x}
                              - filter: {simple: "${body[id]} == 'x'", steps: [{to: pgq-copy:public.orders}]}
                        """, "in branch \"log[x]\""), Arguments.of(false, """
                        - filter:
                            simple: "${body.size} > 1"
                            steps:
                              - setBody: {simple: "${body.subList(0, 49)}"}
                              - to: pgq-copy:public.orders
                        """, "1 row of"));
    }

    @ParameterizedTest
    @MethodSource("hiddenByAFilter")
    void a_filter_leaves_out_only_what_it_keeps_back(boolean rows, String steps, String said) throws Exception {
        RouteFile route = rows ? RouteFile.rows() : RouteFile.dispatch();
        String load = rows
                ? "              " + LOAD
                : "                  uri: pgq-copy:{{dispatch.destTable}}\n                  parameters:\n                    rowMode: \"{{dispatch.rowMode}}\"\n";
        Path job = route.consuming("exceptionSleep", 500)
                .consuming("onFiltered", "leave-out")
                .before(rows ? LOAD : "- to: # rows -> their partitions, by COPY", steps)
                .edit(load, rows ? "" : "                  uri: log:x?level=DEBUG\n")
                .in(directory);
        assertNothingIsCommitted(Map.of(), new String[] {said}, job);
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.ValueSource(strings = {"select count(*) from orders", "select * from counted()"})
    void a_statement_behind_the_load_step_sees_its_rows(String count) throws Exception {
        Path job = RouteFile.rows()
                .before(LOAD, """
                        - to: pgq-copy:public.orders
                        - to: {uri: "sql:insert into seen %s", parameters: {dataSource: "#targetDb", noop: true}}
                        - to: pgq-loaded:public.seen
                        """.formatted(count))
                .edit("              " + LOAD, "")
                .in(directory);
        try (Orders orders = new Orders();
                Job running = new Job(orders, Map.of(), job)) {
            orders.target(
                    "create table seen (rows int)",
                    "create function counted() returns bigint language sql as 'select count(*) from orders'");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 10);
            orders.tick();
            await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.column(orders.target, "select rows::text from seen"))
                    .containsExactlyInAnyOrder("1", "2", "3", "4", "5", "6", "7", "8", "9", "10");
        }
    }

    @Test
    void a_branch_has_rows_of_its_own() throws Exception {
        Path job = RouteFile.rows()
                .before(LOAD, """
                        - multicast:
                            steps:
                              - pipeline:
                                  steps:
                                    - setProperty: {name: none, simple: "${body.put('customer', 'x')}"}
                                    - to: pgq-copy:public.plain
                              - to: pgq-copy:public.orders
                        """)
                .edit("              " + LOAD, "")
                .in(directory);
        try (Orders orders = new Orders();
                Job running = new Job(orders, Map.of(), job)) {
            orders.target("create table plain (like orders)");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 10);
            orders.tick();
            await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.count(orders.target, "select count(*) from plain where customer = 'x'"))
                    .isEqualTo(10);
        }
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.CsvSource(
            quoteCharacter = '|',
            value = {"public.orders, ||", "orders, ||", "public.orders, |, key: \"id,created_at\"|"})
    void changes_of_a_row_stay_in_their_order_whichever_step_loads_them(String table, String other) throws Exception {
        Path job = RouteFile.rows()
                .before(LOAD, """
                        - choice:
                            when:
                              - simple: "${body[status]} == 'paid'"
                                steps:
                                  - to: {uri: "pgq-copy:%s", parameters: {rowMode: plain%s}}
                            otherwise:
                              steps:
                                - to: {uri: "pgq-copy:public.orders", parameters: {rowMode: plain}}
                        """.formatted(table, other))
                .edit("              " + LOAD, "")
                .in(directory);
        try (Orders orders = new Orders();
                Job running = new Job(orders, Map.of("dispatch-rows.eventTypes", "I,U,D"), job)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 10);
            orders.source(
                    "update orders set status = 'paid', amount = 1",
                    "update orders set status = 'sent', amount = 2",
                    "update orders set status = 'paid', amount = 3 where id < 4",
                    "delete from orders where id = 9");
            orders.tick();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> orders.count(
                                    orders.target, "select count(*) from caravan.position where account is not null")
                            == 1);
            orders.assertTargetEqualsSource();
        }
    }

    @Test
    void rows_that_a_split_has_gathered_again_are_accounted_for_one_by_one() throws Exception {
        Path job = RouteFile.dispatch()
                .before("- to: # rows -> their partitions, by COPY", """
                        - split:
                            simple: "${body}"
                            aggregationStrategy: "#class:org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy"
                            steps:
                              - setProperty: {name: none, simple: "${body.put('note', 'x')}"}
                        - to: pgq-leave-out:small
                        - setBody: {simple: "${body.subList(0, 0)}"}
                        """)
                .in(directory);
        try (Orders orders = new Orders();
                Job running = new Job(orders, Map.of(), job)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 50);
            orders.tick();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> orders.count(
                                    orders.target, "select count(*) from caravan.position where account is not null")
                            == 1);
            assertThat(orders.column(orders.target, "select account::text from caravan.position"))
                    .containsExactly("{\"left out: small\": 50}");
        }
    }

    public static Map<String, Object> seen(Map<String, Object> row) {
        return Map.of("id", row.get("id"));
    }

    @Test
    void rows_that_a_trigger_refuses_are_counted_and_reported() throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, Map.of(), RouteFile.rows().in(directory))) {
            orders.target(
                    "create function refuse() returns trigger language plpgsql as 'begin return case when new.id > 30 then null else new end; end'");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 1);
            orders.tick();
            await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
            orders.target(
                    "create trigger refuse before insert on orders_2026_10_02 for each row execute function refuse()");
            orders.source(
                    "insert into orders select i, 'c', 1, null, '2026-10-02', 'new' from generate_series(20, 49) i");
            orders.tick();
            log.await("took 19 rows less");
            await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(orders.column(
                            orders.target,
                            "select key || ' ' || value from caravan.position, jsonb_each_text(account) order by 1"))
                    .containsExactly("loaded into public.orders 12", "refused by public.orders 19"));
        }
    }

    @Test
    void a_step_on_another_data_source_of_the_target_is_named() throws Exception {
        Path job = RouteFile.rows().before(LOAD, """
                        - to: {uri: "sql:select 1", parameters: {dataSource: "#other", outputHeader: one}}
                        """).in(directory);
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job running = new Job(
                        orders,
                        Map.of(
                                "camel.beans.other",
                                "#class:org.postgresql.ds.PGSimpleDataSource",
                                "camel.beans.other.url",
                                orders.targetUrl),
                        job)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 10);
            orders.tick();
            log.await("uses another data source of the target");
            await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    @Test
    void pooled_exchanges_are_refused() throws Exception {
        try (Orders orders = new Orders()) {
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> new Job(
                                    orders,
                                    Map.of("camel.main.exchangeFactory", "pooled"),
                                    RouteFile.rows().in(directory))
                            .close())
                    .hasStackTraceContaining("exchangeFactory=pooled");
        }
    }

    @Test
    void a_dead_letter_of_one_table_takes_the_event_out_of_the_other() throws Exception {
        Path job = RouteFile.rows()
                .before(LOAD, """
                        - multicast:
                            steps:
                              - to: pgq-copy:public.orders
                              - to: pgq-copy:public.small
                        """)
                .edit("              " + LOAD, "")
                .edit("uri: pgq-partition:{{dispatch-rows.destTable}}", "uri: log:x")
                .edit("partField: \"{{dispatch-rows.partField}}\"", "showBody: true")
                .edit("period: \"{{dispatch-rows.period}}\"", "showHeaders: false")
                .in(directory);
        try (Orders orders = new Orders();
                Job running = new Job(orders, Map.of("dispatch-rows.onError", "dead-letter"), job)) {
            orders.target(
                    "alter table orders rename to parted",
                    "create table orders (like parted)",
                    "create table small (like parted, check (id <> 7))");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 10);
            orders.tick();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> orders.count(
                                    orders.target, "select count(*) from caravan.position where account is not null")
                            == 1);
            assertThat(orders.column(
                            orders.target,
                            "select count(*)::text from orders union all select count(*)::text from small"))
                    .containsExactly("9", "9");
            assertThat(orders.column(orders.target, "select account::text from caravan.position"))
                    .containsExactly(
                            "{\"dead letters\": 1, \"loaded into public.small\": 9, \"loaded into public.orders\": 9}");
            assertThat(orders.count(orders.target, "select rows from caravan.position"))
                    .as("rows that were written and taken back are not counted")
                    .isEqualTo(18);
        }
    }

    @Test
    void control_events_of_londiste_are_passed_over_and_counted() throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 10);
            orders.source(
                    "select pgq.insert_event('orders', 'pgq.tick-id', '17', 'x', null, null, null)",
                    "select pgq.insert_event('orders', 'londiste.update-seq', '5', 'public.seq', null, null, null)",
                    "select pgq.insert_event('orders', 'EXECUTE', 'alter table orders add x int', 'public.orders', null, null, null)");
            orders.insert(11, 20);
            orders.tick();
            await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
            log.await("is a script that londiste runs");
            assertThat(orders.column(
                            orders.target, "select key from caravan.position, jsonb_each_text(account) order by 1"))
                    .containsExactly(
                            "left out: control event EXECUTE",
                            "left out: control event londiste.update-seq",
                            "left out: control event pgq.tick-id",
                            "loaded into public.orders");
        }
    }

    private static void assertNothingIsCommitted(Map<String, String> properties, String[] said, Path... files)
            throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, properties, files)) {
            orders.target("create table elsewhere (id bigint)", "create table orders_x (id int)");
            orders.source("create table elsewhere (id bigint)");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 50);
            orders.tick();
            log.await("trying again");
            assertThat(log.text()).contains(said);
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isZero();
            assertThat(orders.count(orders.target, "select count(*) from elsewhere"))
                    .isZero();
            assertThat(orders.count(orders.target, "select count(*) from caravan.position where account is not null"))
                    .isZero();
        }
    }
}
