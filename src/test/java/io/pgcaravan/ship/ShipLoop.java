package io.pgcaravan.ship;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import java.io.File;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;

/** Exports or imports in a process of its own: once, or again and again until somebody kills it. */
final class ShipLoop {

    private ShipLoop() {}

    /** @param args export or import, URL, drop directory, target, once or forever, tables */
    public static void main(String[] args) {
        DropDirectory drop = new DropDirectory(Path.of(args[2]));
        Connect connect = () -> DriverManager.getConnection(args[1]);
        List<io.pgcaravan.sql.TableName> tables = new ArrayList<>();
        for (int i = 5; i < args.length; i++) {
            tables.add(Shipping.table(args[i]));
        }
        System.out.println("at work");
        do {
            try {
                if (args[0].equals("export")) {
                    new Exporter(connect)
                            .export(new Exporter.Request(Target.parse(args[3]), tables, drop, Compression.NONE, false));
                } else {
                    for (Outcome outcome : new Importer(connect, drop).importAll()) {
                        if (outcome.result() == Result.DAMAGED
                                || outcome.result() == Result.DIVERGED
                                || outcome.result() == Result.REFUSED) {
                            System.out.println("wrong: " + outcome);
                        }
                    }
                }
            } catch (ChangeSetException e) {
                // the lock of the one that was killed just now, for instance
                System.out.println("failed: " + e.getMessage());
                if (args[4].equals("once")) {
                    System.exit(1);
                }
                continue;
            }
            if (args[4].equals("forever")) {
                System.out.println("once through");
            }
        } while (args[4].equals("forever"));
    }

    /** The command that runs it. */
    static List<String> command(String heap, String... args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx" + heap,
                "-cp",
                System.getProperty("java.class.path")
                        .replace(File.pathSeparator + File.pathSeparator, File.pathSeparator),
                ShipLoop.class.getName()));
        command.addAll(List.of(args));
        return command;
    }
}
