mod interest;
mod poller;
