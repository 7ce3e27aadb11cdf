package io.pgcaravan.status;

import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;

/**
 * What to look at: databases, and what routes do with them.
 *
 * @param others names of databases that further steps of the routes use, a ticker's for instance
 */
public record Watch(
        List<Place> places,
        List<Dispatch> dispatches,
        List<Export> exports,
        List<Import> imports,
        List<String> others) {

    /**
     * A route that dispatches a queue.
     *
     * @param locks whether the process that runs it holds a lock in the target
     */
    public record Dispatch(String route, CheckedJob job, boolean locks) {}

    /**
     * A step that exports.
     *
     * @param ledger of its sets
     */
    public record Export(
            String route,
            DataSource database,
            TableName ledger,
            List<TableName> tables,
            Target target,
            DropDirectory directory) {}

    /**
     * A step that imports.
     *
     * @param here the receiver that sets must name; null where the database's name has to do
     */
    public record Import(String route, DataSource database, DropDirectory directory, Target here) {}

    /** The databases alone. */
    public static Watch of(List<Place> places) {
        return new Watch(places, List.of(), List.of(), List.of(), List.of());
    }

    public Watch {
        places = List.copyOf(places);
        dispatches = List.copyOf(dispatches);
        exports = List.copyOf(exports);
        imports = List.copyOf(imports);
        others = List.copyOf(others);
    }

    /** The names of the databases that a route needs. */
    public List<String> used() {
        Stream<String> watched = Stream.of(
                        dispatches.stream()
                                .flatMap(dispatch -> Stream.of(
                                        dispatch.job().source(), dispatch.job().target())),
                        exports.stream().map(Export::database),
                        imports.stream().map(Import::database))
                .flatMap(found -> found)
                .map(found -> place(found).name());
        return Stream.concat(watched, others.stream()).distinct().toList();
    }

    /** Whether it matters that a database is there: all do where no route says which ones are used. */
    public boolean matters(String name) {
        List<String> used = used();
        return used.isEmpty() || used.contains(name);
    }

    Place place(DataSource known) {
        return places.stream()
                .filter(place -> place.known() == known)
                .findFirst()
                .orElseGet(() -> Place.of(String.valueOf(known), known));
    }
}
