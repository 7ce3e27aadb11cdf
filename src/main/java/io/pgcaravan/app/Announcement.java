package io.pgcaravan.app;

import io.pgcaravan.camel.BatchDataSource;
import io.pgcaravan.camel.RouteSummary;
import io.pgcaravan.database.Secrets;
import io.pgcaravan.status.Watch;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the log says at the start: what runs, and where the console is.
 *
 * @param pools by the names of the data sources
 */
record Announcement(CamelContext context, Map<String, BatchDataSource> pools) {

    private static final Logger LOG = LoggerFactory.getLogger(Application.class);

    private static final Set<String> EVERY_ADDRESS = Set.of("0.0.0.0", "::", "[::]", "0:0:0:0:0:0:0:0");

    /** The databases follow when they have answered, as nothing waits for them. */
    void log(boolean console, Watch watch) {
        Map<Boolean, List<Route>> routes = context.getRoutes().stream()
                .collect(Collectors.partitioningBy(route -> context.getRouteController()
                        .getRouteStatus(route.getRouteId())
                        .isStarted()));
        LOG.info(
                "{} runs {}{}; {}",
                new Version().getVersion()[0],
                routes.get(true).isEmpty() ? "no route" : names(routes.get(true)),
                routes.get(false).isEmpty() ? "" : " (off: " + names(routes.get(false)) + ")",
                property(context, "camel.management.enabled").equals("true")
                        ? (console ? "console: " + management(context) + "; " : "") + "health: "
                                + management(context).replaceFirst("/$", "")
                                + property(context, "camel.management.healthPath") + "/ready"
                        : "no console, no health");
        for (Route route : routes.get(true)) {
            LOG.info("{}: {}", route.getRouteId(), RouteSummary.of(route, this::name));
        }
        Thread asking = new Thread(
                () -> pools.keySet().stream().filter(watch::matters).forEach(this::log), "caravan-databases");
        asking.setDaemon(true);
        asking.start();
    }

    /** Where the console is on this machine, which always is a name that the port answers to. */
    static String management(CamelContext context) {
        String host = property(context, "camel.management.host");
        return "http://" + (EVERY_ADDRESS.contains(host) ? "127.0.0.1" : host.contains(":") ? "[" + host + "]" : host)
                + ":" + property(context, "camel.management.port") + "/";
    }

    private void log(String name) {
        BatchDataSource database = pools.get(name);
        try (Connection connection = database.unpooled().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select current_setting('server_version'),"
                        + " (select extversion from pg_extension where extname = 'pgq'), pg_is_in_recovery()")) {
            row.next();
            String pgq = row.getString(2) == null ? "" : ", PgQ " + row.getString(2);
            LOG.info("{}: PostgreSQL {}{}{}", database, row.getString(1), pgq, row.getBoolean(3) ? ", a standby" : "");
        } catch (SQLException e) {
            LOG.warn("{}: {}", database, Secrets.masked(e.getMessage()));
        }
    }

    private String name(DataSource database) {
        return pools.entrySet().stream()
                .filter(pool -> pool.getValue() == database)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseGet(() -> Secrets.masked(String.valueOf(database)));
    }

    private static String names(List<Route> routes) {
        return routes.stream().map(Route::getRouteId).collect(Collectors.joining(", "));
    }

    private static String property(CamelContext context, String key) {
        return context.getPropertiesComponent().resolveProperty(key).orElse("");
    }
}
