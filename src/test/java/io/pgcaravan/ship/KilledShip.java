package io.pgcaravan.ship;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** An export or import in a process of its own that dies, as by SIGKILL, before or after its n-th commit. */
final class KilledShip {

    private KilledShip() {}

    public static void main(String[] args) {
        String url = args[1];
        int n = Integer.parseInt(args[4]);
        boolean before = args[5].equals("before");
        AtomicInteger commits = new AtomicInteger();
        Connect connect = () -> {
            Connection real = DriverManager.getConnection(url);
            real.setClientInfo("ApplicationName", "killed ship");
            return (Connection) Proxy.newProxyInstance(
                    KilledShip.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, values) -> {
                        boolean commit = method.getName().equals("commit");
                        int count = commit ? commits.incrementAndGet() : 0;
                        if (commit && before && count == n) {
                            Runtime.getRuntime().halt(9);
                        }
                        try {
                            Object result = method.invoke(real, values);
                            if (commit && !before && count == n) {
                                Runtime.getRuntime().halt(9);
                            }
                            return result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        };
        DropDirectory drop = new DropDirectory(Path.of(args[2]));
        if (args[0].equals("export")) {
            List<String> names = args.length > 6 ? List.of(args).subList(6, args.length) : List.of("t", "u");
            List<io.pgcaravan.sql.TableName> tables =
                    names.stream().map(Shipping::table).toList();
            // in the middle of writing, too
            Exporter.Progress progress = (table, part, rows, bytes, expected) -> {
                if (n == 0) {
                    Runtime.getRuntime().halt(9);
                }
            };
            new Exporter(connect, Tracking.LEDGER, progress)
                    .export(new Exporter.Request(Target.parse(args[3]), tables, drop, Compression.NONE, false));
        } else {
            Importer.Progress progress = (set, part, bytes, of) -> {
                if (n == 0) {
                    Runtime.getRuntime().halt(9);
                }
            };
            new Importer(connect, drop, null, progress).importAll();
        }
    }
}
