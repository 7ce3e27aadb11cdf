package io.pgcaravan.cli;

import io.pgcaravan.skytools.JobRoute;
import io.pgcaravan.skytools.TableDispatcherJob;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code caravan table-dispatcher}. */
@Command(
        name = "table-dispatcher",
        mixinStandardHelpOptions = true,
        description = "Does what Skytools' table_dispatcher did, from its ini file and with its switches.")
final class TableDispatcher implements Callable<Integer> {

    @Parameters(paramLabel = "CONFIG.ini", description = "The ini file.")
    private Path ini;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Counts instead of what the ini file says. May be given several times.")
    private Map<String, String> set = new LinkedHashMap<>();

    @Override
    public Integer call() throws Exception {
        TableDispatcherJob job = TableDispatcherJob.read(ini, set);
        Logger log = LoggerFactory.getLogger(job.name());
        job.warnings().forEach(log::warn);
        CountDownLatch stop = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(stop::countDown));
        try (Application application = Application.of(
                job.name() + ".yaml",
                JobRoute.yaml(job),
                Map.of("sourceDb", database("src_db", job.source()), "targetDb", database("dst_db", job.target())))) {
            application.start();
            stop.await();
        }
        return 0;
    }

    static Database database(String key, String text) {
        try {
            return Database.parse(text);
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(key + " " + e.getMessage());
        }
    }
}
