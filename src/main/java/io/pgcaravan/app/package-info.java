/** The Camel Main application: its configuration, routes, health, meters and console. */
package io.pgcaravan.app;
