package io.pgcaravan.demo;

import io.pgcaravan.demo.Demo.State;
import io.pgcaravan.server.ScratchDirectory;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.status.Words;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * {@code caravan demo ship}: orders are written while sets of what has changed travel to the target through a drop directory.
 * Exports and imports know of each other by the files alone. Closing it ends both and deletes the directory.
 */
final class ShipDemo implements AutoCloseable {

    private static final Target TARGET = new Target("branch.example", "demo_target");
    private static final int EXPORT_MILLIS = 500;
    private static final int IMPORT_MILLIS = 100;

    private final Demo demo;
    private final OrdersDemo orders;
    private final ScratchDirectory directory;
    private final Exporter exporter;
    private final Importer importer;
    private final ScheduledExecutorService sides = Executors.newScheduledThreadPool(2, work -> {
        Thread thread = new Thread(work, "demo-ship");
        thread.setDaemon(true);
        return thread;
    });
    private final Queue<Manifest> exported = new ConcurrentLinkedQueue<>();
    private final Queue<Manifest> imported = new ConcurrentLinkedQueue<>();
    private FutureTask<Long> writing;
    private volatile boolean allExported;
    private final CompletableFuture<Long> allImported = new CompletableFuture<>();

    ShipDemo(Demo demo, OrdersDemo orders) throws IOException {
        this.demo = demo;
        this.orders = orders;
        directory = ScratchDirectory.untilTheEnd("caravan-demo-drop-");
        exporter = new Exporter(orders::source);
        importer = new Importer(orders::target, drop(), TARGET, Importer.Progress.NONE);
    }

    private DropDirectory drop() {
        return new DropDirectory(directory.path());
    }

    Path directory() {
        return directory.path();
    }

    /** Writes this many orders, and returns when the target has all of them. */
    void carry(long rows) throws Exception {
        orders.write(Math.max(1, rows / 10));
        long start = System.nanoTime();
        addExported();
        writing = orders.startWriting(rows);
        sides.scheduleWithFixedDelay(guarded(this::export), 0, EXPORT_MILLIS, TimeUnit.MILLISECONDS);
        sides.scheduleWithFixedDelay(guarded(this::importAll), 0, IMPORT_MILLIS, TimeUnit.MILLISECONDS);
        demo.await(writing, () -> {
            boolean complete = allImported.isDone();
            if (complete) {
                Demo.result(allImported);
            }
            int sets = imported.size();
            String line = String.format(
                    Locale.ROOT,
                    "changes written %,9d   sets published %3d   sets in the target %3d",
                    orders.changes(),
                    exported.size(),
                    sets);
            return new State(line, sets, complete);
        });
        demo.print(
                "%,d orders, %,d changes in %d sets: written in %.1f s, all in the target %.1f s later.%n",
                orders.orders(),
                orders.changes(),
                exported.size(),
                (writing.get() - start) / 1e9,
                (allImported.get() - writing.get()) / 1e9);
    }

    /** The first failure is the demo's. */
    private Runnable guarded(Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException e) {
                allImported.completeExceptionally(e);
                throw e;
            }
        };
    }

    private void export() {
        boolean last = writing.isDone();
        addExported();
        allExported |= last;
    }

    private void addExported() {
        exporter
                .export(new Exporter.Request(TARGET, List.of(OrdersDemo.ORDERS), drop(), Compression.NONE, false))
                .stream()
                .map(Exported::manifest)
                .forEach(exported::add);
    }

    private void importAll() {
        boolean last = allExported;
        for (Outcome outcome : importer.importAll()) {
            if (outcome.result() != Result.APPLIED) {
                throw new IllegalStateException(outcome.toString());
            }
            imported.add(outcome.manifest());
        }
        if (last) {
            allImported.complete(System.nanoTime());
        }
    }

    // ---- what is printed

    void printSets() throws IOException {
        List<Manifest> sets = new ArrayList<>(imported);
        demo.print("%d sets in the target:", sets.size());
        demo.printSome(sets.stream().map(ShipDemo::line).toList());
        printFiles(sets.get(sets.size() - 1));
    }

    private static String line(Manifest set) {
        return String.format(
                Locale.ROOT,
                "%4d  %-7s  %,7d ids, %,7d records, %s",
                set.number(),
                set.kind().word(),
                set.file(SetPart.IDS).rows(),
                set.file(SetPart.RECORDS).rows(),
                Words.bytes(set.totalBytes()));
    }

    private void printFiles(Manifest set) throws IOException {
        demo.print("The files of set %d, as its import left them in done/:", set.number());
        for (SetPart part : List.of(SetPart.COLUMNS, SetPart.IDS, SetPart.RECORDS, SetPart.DONE)) {
            Path file = directory.path().resolve("done").resolve(set.name().file(part));
            demo.print("  " + file.getFileName() + ", " + Words.bytes(Files.size(file)));
            boolean cut = part != SetPart.DONE && set.file(part).rows() > 2;
            try (var lines = Files.lines(file)) {
                lines.limit(cut ? 2 : 100).forEach(line -> demo.print("      " + line));
            }
            if (cut) {
                demo.print("      ...");
            }
        }
        demo.print("");
    }

    @Override
    public void close() throws InterruptedException {
        sides.shutdown();
        sides.awaitTermination(1, TimeUnit.MINUTES);
        directory.delete();
    }
}
