# categories.gp - the texts along a categorical axis: `categories` is the list of them in the order of their places.
stats data using "place" nooutput name "place"
categories = ""
take(text, place) = place == words(categories) + 1 ? (categories = categories . " " . text, 0) : 0
do for [pass = 1:words(lines)] { # a line may lack places that another has
    set table $unused
    plot data using (take(strcol("x"), column("place"))) with table
    unset table
}
