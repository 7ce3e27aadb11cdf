package io.pgcaravan.skytools;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.common.NonPrintableStyle;

/** Writes a job as a route file; it has the shape of routes/dispatch.camel.yaml. */
public final class JobRoute {

    private static final DumpSettings LAYOUT = DumpSettings.builder()
            .setDefaultFlowStyle(FlowStyle.BLOCK)
            .setNonPrintableStyle(NonPrintableStyle.ESCAPE)
            .setSplitLines(false)
            .build();

    private static final String HEADER = """
            # From the ini file of a table_dispatcher: the events of a queue go into a table or its partitions, exactly once.
            # They come in chunks of some thousand: pgq-decode: turns events into rows, pgq-partition: finds or makes the partition
            # of each row, and pgq-copy: loads the rows by COPY.
            """;

    private JobRoute() {}

    /** The route file's text. */
    public static String yaml(TableDispatcherJob job) {
        Map<String, Object> consume = new LinkedHashMap<>();
        consume.put("consumer", job.consumer());
        consume.put("source", "#sourceDb");
        consume.put("target", "#targetDb");
        consume.putAll(job.consume());
        List<Object> steps = new ArrayList<>();
        steps.add(Map.of("to", endpoint("pgq-decode:" + job.format(), job.decode())));
        if (job.partition() != null) {
            steps.add(Map.of("to", endpoint("pgq-partition:" + job.destTable(), job.partition())));
        }
        steps.add(Map.of("to", endpoint("pgq-copy:" + job.destTable(), job.load())));
        Map<String, Object> split = new LinkedHashMap<>();
        split.put("simple", "${body}");
        split.put("streaming", true);
        split.put("steps", steps);
        Map<String, Object> from = endpoint("pgq:" + job.queue(), consume);
        from.put("steps", List.of(Map.of("split", split)));
        Map<String, Object> route = new LinkedHashMap<>();
        route.put("id", job.name());
        route.put("from", from);
        return HEADER + new Dump(LAYOUT).dumpToString(List.of(Map.of("route", route)));
    }

    private static Map<String, Object> endpoint(String uri, Map<String, Object> parameters) {
        Map<String, Object> endpoint = new LinkedHashMap<>();
        endpoint.put("uri", uri);
        if (!parameters.isEmpty()) {
            endpoint.put("parameters", parameters);
        }
        return endpoint;
    }
}
