package io.pgcaravan.cli;

import io.pgcaravan.sql.TableName;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the name of a table that must have its schema, because the search path is not the caller's. */
final class QualifiedTable implements ITypeConverter<TableName> {

    @Override
    public TableName convert(String text) {
        TableName name = TableName.parse(text);
        if (name.schema() == null) {
            throw new TypeConversionException("\"" + text + "\" needs its schema, as in public." + text);
        }
        return name;
    }
}
