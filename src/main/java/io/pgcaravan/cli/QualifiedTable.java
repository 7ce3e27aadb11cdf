package io.pgcaravan.cli;

import io.pgcaravan.sql.TableName;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Reads the name of a table that has to come with its schema, because no search path is to be relied upon. */
final class QualifiedTable {

    private QualifiedTable() {}

    static TableName of(CommandSpec spec, String text) {
        return of(spec, "", text);
    }

    /** @param named the option with a space behind it, for the message; may be empty */
    static TableName of(CommandSpec spec, String named, String text) {
        TableName name = TableName.parse(text);
        if (name.schema() == null) {
            throw new ParameterException(
                    spec.commandLine(), named + "\"" + text + "\" needs its schema, as in public." + text);
        }
        return name;
    }
}
