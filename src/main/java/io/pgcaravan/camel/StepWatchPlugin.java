package io.pgcaravan.camel;

import org.apache.camel.CamelContext;
import org.apache.camel.spi.ContextServicePlugin;

/** Puts the {@link StepWatch} around the steps of all routes, whichever is built first. Camel finds it as a service. */
public final class StepWatchPlugin implements ContextServicePlugin {

    @Override
    public void load(CamelContext context) {
        StepWatch.watch(context);
    }
}
