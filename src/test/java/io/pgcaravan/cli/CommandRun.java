package io.pgcaravan.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

/**
 * A command that has run in this JVM.
 *
 * @param status exit code
 */
record CommandRun(int status, String out, String err) {

    static {
        // first, so that a command which wants less logging does not take it from the tests after it
        LoggerFactory.getLogger(CommandRun.class).debug("commands run in this JVM");
    }

    static CommandRun of(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                Caravan.commandLine(args).setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return new CommandRun(line.execute(args), out.toString(), err.toString());
    }
}
