package io.pgcaravan.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/**
 * A command that has run in this JVM.
 *
 * @param status exit code
 */
record CommandRun(int status, String out, String err) {

    static CommandRun of(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = Caravan.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return new CommandRun(line.execute(args), out.toString(), err.toString());
    }
}
