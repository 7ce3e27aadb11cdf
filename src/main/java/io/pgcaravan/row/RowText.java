package io.pgcaravan.row;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;

/** Writes a row as the ev_data of an event. */
@FunctionalInterface
public interface RowText {

    /** As {@link UrlEncodedRows} reads it. Characters outside ASCII stay as they are, whatever the source's encoding is. */
    RowText URL_ENCODED = row -> {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < row.columns().size(); i++) {
            if (i > 0) {
                text.append('&');
            }
            escape(row.columns().names().get(i), text);
            String value = row.text(i);
            if (value != null) {
                escape(value, text.append('='));
            }
        }
        return text.toString();
    };

    /** As {@link JsonRows} reads it, every value a string. */
    RowText JSON = row -> {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            for (int i = 0; i < row.columns().size(); i++) {
                json.writeStringField(row.columns().names().get(i), row.text(i));
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    };

    String of(RowChange row);

    private static void escape(String value, StringBuilder text) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c >= 0x80 || Character.isLetterOrDigit(c) || c == '_' || c == '.' || c == '-') {
                text.append(c);
            } else if (c == ' ') {
                text.append('+');
            } else {
                text.append(String.format("%%%02x", (int) c));
            }
        }
    }
}
